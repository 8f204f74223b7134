// The easel: the photo, the painting as it grows, and the two beside each other.

import { $, button, duration, make } from "./dom.js";
import { picture } from "./api.js";

const SHOWABLE = /\.(png|jpe?g|webp|gif|avif)$/;

export class Easel {
  constructor(deeds) {
    this.deeds = deeds; // what the buttons do: stop, cancel, again, retry
    this.shown = null;
    this.spoken = "";
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
    $("canvas").hidden = true;
    $("empty").hidden = false;
    $("below").hidden = true;
    this.shown = null;
  }

  photo(upload) {
    this.frame(picture.upload(upload.id), null);
    this.shown = null;
    this.tell(upload.name, `${upload.size_px[0]} × ${upload.size_px[1]} pixels`, [
      button("Keep a part as it is", () => this.deeds.brush()),
      button("Another photo", () => $("photo-file").click()),
    ]);
  }

  frame(before, after) {
    $("easel").dataset.shows = "something";
    $("empty").hidden = true;
    $("canvas").hidden = false;
    $("below").hidden = false;
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

  job(job, styles) {
    const changed = this.shown !== job.id;
    this.shown = job.id;
    const done = job.state === "done";
    const seen = job.progress?.previews ?? 0;
    let after = seen ? picture.preview(job.id, done ? "last" : seen) : null;
    if (done && SHOWABLE.test(job.painting)) after = picture.result(job.id);
    if (job.state === "failed" || job.state === "cancelled") after = null;
    this.frame(picture.photo(job.id), after);
    for (const id of ["compare", "seam", "labels"]) $(id).hidden = !done;
    if (!done || changed) this.cut(0);
    this[job.state](job, styles);
    this.bar(job);
  }

  queued(job, styles) {
    this.tell("Waiting for its turn", `${job.title}, ${styles}. You may close the page: the job is kept.`, [button("Cancel", () => this.deeds.cancel(job.id))]);
  }

  running(job, styles) {
    const { progress } = job;
    const stage = !progress ? "Mixing the colours" : progress.eta_s === null ? "Painting" : `Painting, about ${duration(progress.eta_s)} left`;
    const size = progress ? `, ${progress.size_px[0]} × ${progress.size_px[1]}, step ${progress.step}${progress.steps ? ` of ${progress.steps}` : ""}` : "";
    const deeds = progress ? [button("Stop and keep", () => this.deeds.stop(job.id))] : [];
    this.tell(stage, `${styles}${size}${progress?.note ? `. ${progress.note}` : ""}`, [...deeds, button("Cancel", () => this.deeds.cancel(job.id))], "Painting");
  }

  done(job, styles) {
    const detail = `${job.title}, ${styles}. ${job.size_px[0]} × ${job.size_px[1]} pixels in ${duration(job.seconds)}${job.notes.length ? `. ${job.notes.join(". ")}` : ""}`;
    const download = make("a", { className: "button primary", href: picture.download(job.id), download: "" }, "Download");
    this.tell("Painted", detail, [download, button("Again, but…", () => this.deeds.again(job))]);
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
    if (!same || this.built !== this.shown) {
      $("deeds").replaceChildren(...deeds);
      if (had) ([...$("deeds").children].find((each) => each.textContent === before) ?? $("deeds").firstElementChild)?.focus();
      this.built = this.shown;
    }
    if (spoken !== this.spoken) $("spoken").textContent = this.spoken = spoken;
  }

  bar(job) {
    const working = job.state === "queued" || job.state === "running";
    const percent = job.progress && working ? Math.round((100 * job.progress.seconds) / (job.progress.seconds + (job.progress.eta_s ?? 0) + 0.01)) : null;
    $("bar").hidden = !working;
    $("bar").classList.toggle("waiting", percent === null);
    $("bar").style.setProperty("--done", `${percent ?? 0}%`);
    if (percent === null) $("bar").removeAttribute("aria-valuenow");
    else $("bar").setAttribute("aria-valuenow", percent);
    document.title = working && percent !== null ? `${percent} % – impasto` : job.state === "done" ? "Painted – impasto" : "impasto";
  }
}
