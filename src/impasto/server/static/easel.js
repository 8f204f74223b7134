// The easel: the photo, the painting as it grows, and the two beside each other.

import { $, button, duration, make } from "./dom.js";
import { picture } from "./api.js";
import { Sheet } from "./sheet.js";

const SHOWABLE = /\.(png|jpe?g|webp|gif|avif)$/;
const PLAYABLE = /\.(mp4|webm|mov)$/;
const STAGES = { looking: "Looking through the film", coloring: "Colouring", painting: "Painting", writing: "Writing the film", measuring: "Measuring" };

// How far a painting is, in words.
function how({ progress, task }) {
  if (!progress) return "";
  if (progress.of) return `${progress.done ?? 0} of ${progress.of} ${task.verb === "batch" ? "paintings" : "frames"}`;
  if (!progress.size_px) return "";
  return `${progress.size_px[0]} × ${progress.size_px[1]}, step ${progress.step}${progress.steps ? ` of ${progress.steps}` : ""}`;
}

const headline = ({ task }) => ((task.verb === "colorize" || task.coloring) && !task.styles?.length ? "Coloured" : "Painted");

// In percent; null where it cannot be told.
function share(progress) {
  if (!progress || progress.stage === "looking") return null;
  if (progress.of && !progress.step) return Math.round((100 * (progress.done ?? 0)) / progress.of);
  if (progress.eta_s === null) return null;
  return Math.round((100 * progress.seconds) / (progress.seconds + progress.eta_s + 0.01));
}

export class Easel {
  constructor(deeds) {
    this.deeds = deeds; // what the buttons do: stop, cancel, again, brush, alone, all
    this.shown = null;
    this.spoken = "";
    this.sheet = new Sheet((which) => this.deeds.alone(which));
    $("compare").addEventListener("input", () => this.cut(Number($("compare").value)));
  }

  // left of the cut is the photo, right of it the painting
  cut(percent) {
    $("compare").value = percent;
    $("canvas").style.setProperty("--cut", `${percent}%`);
    const [photo, painting] = $("labels").children;
    photo.style.opacity = percent > 12 ? 1 : 0;
    painting.style.opacity = percent < 88 ? 1 : 0;
  }

  nothing() {
    $("easel").dataset.shows = "nothing";
    this.canvas(false);
    this.sheet.hide();
    $("empty").hidden = false;
    $("below").hidden = true;
    this.shown = null;
  }

  // What is to be painted: a photo, a film, or many photos.
  uploads(uploads, mayBrush) {
    const [first] = uploads;
    this.shown = null;
    const another = button("Another one", () => $("photo-file").click());
    if (uploads.length > 1) {
      this.show();
      this.canvas(false);
      this.sheet.uploads(uploads);
      this.tell(`${uploads.length} photos`, "All of them become paintings, side by side.", [another]);
      return;
    }
    this.sheet.hide();
    this.film(null);
    this.frame(picture.upload(first.id), null);
    const frames = first.frames > 1 ? `, ${first.kind === "film" ? "about " : ""}${first.frames} frames` : "";
    this.tell(first.name, `${first.size_px[0]} × ${first.size_px[1]} pixels${frames}`, [mayBrush ? button("Keep a part as it is", () => this.deeds.brush()) : null, another].filter(Boolean));
  }

  show() {
    $("easel").dataset.shows = "something";
    $("empty").hidden = true;
    $("below").hidden = false;
  }

  canvas(is) {
    $("canvas").hidden = !is;
    if (!is) this.film(null);
  }

  // A finished film plays in place of the picture.
  film(src) {
    const screen = $("screen");
    screen.hidden = src === null;
    $("before").classList.toggle("under", src !== null);
    if (src === null) {
      screen.pause();
      screen.removeAttribute("src");
    } else if (screen.getAttribute("src") !== src) {
      screen.src = src;
      if (!matchMedia("(prefers-reduced-motion: reduce)").matches) screen.play().catch(() => {}); // browsers may want a click first
    }
  }

  frame(before, after) {
    this.show();
    this.canvas(true);
    if ($("before").getAttribute("src") !== before) $("before").src = before;
    if (after === null) $("after").removeAttribute("src");
    else if ($("after").getAttribute("src") !== after) this.fade(after);
    $("after").hidden = after === null;
  }

  // A new preview replaces the old one when it is there, so that nothing flickers.
  fade(src) {
    const next = new Image();
    next.onload = () => {
      if (this.wanted === src) $("after").src = src;
    };
    this.wanted = src;
    if ($("after").hasAttribute("src")) next.src = src;
    else $("after").src = src;
  }

  // which: of a batch, the painting that is looked at alone, or null
  job(job, styles, which = null) {
    const changed = this.shown !== job.id || this.which !== which;
    this.shown = job.id;
    this.which = which;
    const batch = job.task.verb === "batch";
    if (batch && which === null) {
      this.show();
      this.canvas(false);
      this.sheet.job(job);
    } else {
      this.sheet.hide();
      this.alone(job, which, changed);
    }
    this[job.state](job, styles, which);
    this.bar(job);
  }

  alone(job, which, changed) {
    const ended = job.state === "done" || which !== null;
    const painting = which === null ? job.painting : job.pictures[which]?.painting;
    const seen = job.progress?.previews ?? 0;
    let after = which !== null ? picture.preview(job.id, "last", which) : seen ? picture.preview(job.id, ended ? "last" : seen) : null;
    if (ended && painting && SHOWABLE.test(painting)) after = picture.result(job.id, which);
    if (job.state === "failed" || job.state === "cancelled") after = null;
    const plays = ended && painting !== null && PLAYABLE.test(painting ?? "");
    this.frame(picture.photo(job.id, which), plays ? null : after);
    this.film(plays ? picture.result(job.id) : null);
    $("labels").lastElementChild.textContent = job.task.verb === "colorize" ? "in colour" : "painting";
    for (const id of ["compare", "seam", "labels"]) $(id).hidden = !ended || plays;
    if (!ended || changed) this.cut(0);
  }

  queued(job, styles) {
    this.tell("Waiting for its turn", `${job.title}, ${styles}. You may close the page: the job is kept.`, [button("Cancel", () => this.deeds.cancel(job.id))]);
  }

  running(job, styles, which) {
    const { progress } = job;
    const stage = !progress ? "Mixing the colours" : progress.eta_s === null ? STAGES[progress.stage] : `${STAGES[progress.stage]}, about ${duration(progress.eta_s)} left`;
    const deeds = progress?.previews ? [button("Stop and keep", () => this.deeds.stop(job.id))] : [];
    this.tell(stage, [styles, how(job), progress?.note].filter(Boolean).join(", "), [...this.back(job, which), ...deeds, button("Cancel", () => this.deeds.cancel(job.id))], "Painting");
  }

  done(job, styles, which) {
    const count = job.pictures.filter((each) => each.painting).length;
    const what = job.pictures.length ? `${count} paintings` : `${job.size_px[0]} × ${job.size_px[1]} pixels`;
    const alone = which === null ? null : job.pictures[which];
    const detail = alone ? alone.name : `${job.title}, ${styles}. ${what} in ${duration(job.seconds)}${job.notes.length ? `. ${job.notes.join(". ")}` : ""}`;
    const words = job.pictures.length && !alone ? "Download all" : "Download";
    const download = make("a", { className: "button primary", href: picture.download(job.id, which), download: "" }, words);
    this.tell(alone ? `Painting ${which + 1} of ${job.pictures.length}` : headline(job), detail, [...this.back(job, which), download, button("Again, but…", () => this.deeds.again(job))]);
  }

  back(job, which) {
    return which === null ? [] : [button("All of them", () => this.deeds.all(job))];
  }

  failed(job) {
    this.tell("It could not be painted", `${job.reason}.`, [button("Again, but…", () => this.deeds.again(job))]);
  }

  cancelled(job, styles) {
    this.tell("Cancelled", `${job.title}, ${styles}`, [button("Again, but…", () => this.deeds.again(job))]);
  }

  // Screen readers hear of each stage once, not of every step.
  tell(headline, detail, deeds, spoken = headline) {
    $("headline").textContent = headline;
    $("detail").textContent = detail;
    const before = document.activeElement?.textContent;
    const had = $("deeds").contains(document.activeElement);
    const same = [...$("deeds").children].map((each) => each.textContent).join() === deeds.map((each) => each.textContent).join();
    const built = `${this.shown} ${this.which}`;
    if (!same || this.built !== built) {
      $("deeds").replaceChildren(...deeds);
      if (had) ([...$("deeds").children].find((each) => each.textContent === before) ?? $("deeds").firstElementChild)?.focus();
      this.built = built;
    }
    if (spoken !== this.spoken) $("spoken").textContent = this.spoken = spoken;
  }

  bar(job) {
    const working = job.state === "queued" || job.state === "running";
    const percent = working ? share(job.progress) : null;
    $("bar").hidden = !working;
    $("bar").classList.toggle("waiting", percent === null);
    $("bar").style.setProperty("--done", `${percent ?? 0}%`);
    if (percent === null) $("bar").removeAttribute("aria-valuenow");
    else $("bar").setAttribute("aria-valuenow", percent);
    document.title = working && percent !== null ? `${percent} % – impasto` : job.state === "done" ? "Painted – impasto" : "impasto";
  }
}
