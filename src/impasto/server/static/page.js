// The page: a photo, a style, and what becomes of them.

import * as api from "./api.js";
import { Brush } from "./brush.js";
import { $ } from "./dom.js";
import { listen } from "./doors.js";
import { Easel } from "./easel.js";
import { Gallery } from "./gallery.js";
import { drawHistory } from "./history.js";
import { Options } from "./options.js";
import { optionsOf, Subject, verbOf } from "./subject.js";

const PATIENCE_MS = 8000; // between looks at the workers and at jobs of other windows

class Page {
  constructor(styles, options) {
    this.subject = new Subject();
    this.jobs = [];
    this.unfollow = () => {};
    this.easel = new Easel({
      stop: (id) => this.attempt(() => api.stop(id)),
      cancel: (id) => this.attempt(() => api.cancel(id)),
      again: (job) => this.again(job),
      brush: () => this.brush.open(),
      alone: (which) => this.look(which),
      all: () => this.look(null),
    });
    this.brush = new Brush(() => (this.subject.protect = []));
    this.options = Object.fromEntries(["stylize", "video", "colorize"].map((verb) => [verb, new Options(verb, options)]));
    this.gallery = new Gallery(styles, () => this.ready(), (refusal) => this.trouble(refusal));
    const { limits } = options;
    $("photo-limits").textContent = `Up to ${Math.round(limits.max_upload_bytes / 1e6)} MB. It stays on this server, for ${limits.keep_days} days.`;
    listen(this);
    this.ready();
  }

  async attempt(deed) {
    $("trouble").hidden = true;
    try {
      return await deed();
    } catch (refusal) {
      this.trouble(refusal);
      return null;
    }
  }

  trouble(refusal) {
    if (refusal.status === 401) return letIn();
    const sentence = refusal.message;
    $("trouble").textContent = sentence.charAt(0).toUpperCase() + sentence.slice(1) + (/[.!?]$/.test(sentence) ? "" : ".");
    $("trouble").hidden = false;
    return null;
  }

  // Photos, or a film, in place of what is on the easel.
  async bring(files) {
    this.close();
    $("trouble").hidden = true;
    $("below").hidden = false;
    $("paint").disabled = true; // what it would paint is on its way
    const sent = [];
    for (const [number, file] of files.entries()) {
      $("headline").textContent = files.length > 1 ? `Reading ${number + 1} of ${files.length}…` : `Reading ${file.name || "the picture"}…`;
      $("detail").textContent = "";
      const upload = await api.upload(file).catch((refusal) => this.trouble(refusal));
      if (upload?.kind === "card") this.trouble(new api.Refusal(`${upload.name} is a style card; drop it onto the styles`, 422));
      else if (upload?.kind === "film" && files.length > 1) this.trouble(new api.Refusal(`${upload.name} is a film; bring it alone`, 422));
      else if (upload) sent.push(upload);
    }
    if (sent.length) {
      this.forgetMask();
      this.subject.uploads = sent;
    }
    this.lay();
  }

  // What is to be painted, back on the easel.
  lay() {
    const { uploads } = this.subject;
    if (uploads.length) this.easel.uploads(uploads, this.subject.verb === "stylize");
    else this.easel.nothing();
    this.ready();
  }

  // Forgets which job is on the easel; the job itself goes on.
  close() {
    this.unfollow();
    this.job = null;
    if (location.hash) history.replaceState(null, "", location.pathname);
    for (const id of ["compare", "seam", "labels", "bar"]) $(id).hidden = true;
  }

  // The controls that go with what is on the easel, and what is still missing.
  ready() {
    const { verb, uploads, reference } = this.subject;
    const words = this.gallery.words();
    const { colors } = this.subject;
    $("deed").hidden = verb === "batch";
    $("deed-note").hidden = $("color-options").hidden = !colors;
    $("reference").textContent = reference ? reference.name : "Choose a picture in colour";
    $("no-reference").hidden = !reference;
    $("style-title").textContent = colors ? "Then repaint it, if you like" : "Style";
    this.gallery.optional = colors;
    const sets = [this.options[verb === "batch" ? "stylize" : verb], ...(verb === "colorize" && words.length ? [this.options.stylize] : [])];
    for (const [part, id] of [["main", "main-options"], ["more", "more-options"]]) {
      const fields = sets.flatMap((set) => set[part]);
      if (fields.some((field, at) => $(id).children[at] !== field) || fields.length !== $(id).children.length) $(id).replaceChildren(...fields);
    }
    const missing = [!uploads.length && "a photo", !colors && !words.length && "a style"].filter(Boolean);
    $("paint").textContent = colors && !words.length ? "Colour" : verb === "batch" ? `Paint ${uploads.length} photos` : verb === "video" ? "Paint the film" : "Paint";
    $("paint").disabled = missing.length > 0;
    $("paint-note").textContent = missing.length ? `Choose ${missing.join(" and ")}.` : "";
    $("paint-note").hidden = !missing.length;
  }

  async paint() {
    $("paint").disabled = true;
    const mask = this.subject.verb === "stylize" ? await this.brush.file() : null;
    const kept = mask ? await this.attempt(() => api.upload(mask)) : null;
    if (mask && !kept) return this.ready();
    const task = this.subject.task(this.gallery.words(), $("blend").checked, this.options, kept ? [kept.id] : this.subject.protect);
    const key = crypto.getRandomValues(new Uint32Array(4)).join("-");
    const job = await this.attempt(() => api.paint(task, key));
    this.ready();
    if (job) {
      this.show(job);
      if (matchMedia("(max-width: 60rem)").matches) $("easel").scrollIntoView({ block: "start" });
    }
  }

  forgetMask() {
    this.brush.clear();
    this.brush.close();
    this.subject.protect = [];
  }

  show(job) {
    this.unfollow();
    this.brush.close();
    $("mask").hidden = true;
    $("trouble").hidden = true;
    history.replaceState(null, "", `#job=${job.id}`);
    this.which = null;
    this.told(job);
    this.unfollow = api.follow(job.id, (now) => this.told(now), () => (this.close(), this.easel.nothing(), this.refresh()));
  }

  told(job) {
    this.job = job;
    const known = this.jobs.find((each) => each.id === job.id);
    this.easel.job(job, this.what(job), this.which);
    if (known?.state !== job.state) this.refresh();
    if (known) Object.assign(known, job);
  }

  // One painting of the batch alone, or all of them.
  look(which) {
    this.which = which;
    if (this.job) this.told(this.job);
  }

  what(job) {
    const styles = (job.task.styles ?? []).map((word) => this.gallery.title(word)).join(" and ");
    return verbOf(job) === "colorize" || job.task.coloring ? ["in colour", styles].filter(Boolean).join(", ") : styles;
  }

  open() {
    return /^#job=([0-9a-f]{32})$/.exec(location.hash)?.[1] ?? null;
  }

  async openFromAddress() {
    const id = this.open();
    const job = id && (await this.attempt(() => api.job(id)));
    if (job) {
      this.show(job);
      if (!this.subject.uploads.length) this.subject.uploads = await this.subject.recall(job).catch(() => []);
      this.choose(job);
    }
  }

  // The choices that a job was made with.
  choose({ task }) {
    $("deed-colorize").checked = task.verb === "colorize" || Boolean(task.coloring);
    $("deed-stylize").checked = !$("deed-colorize").checked;
    if (task.blend) $("blend").checked = true;
    this.options[optionsOf({ task })].set({ ...task.options, container: task.container });
    if (task.painting) this.options.stylize.set(task.painting);
    this.gallery.choose(task.styles ?? []);
    this.ready();
  }

  // The same photo with the same choices, to change one of them.
  async again(job) {
    const sent = await this.attempt(() => this.subject.recall(job));
    if (!sent) return;
    this.close();
    if (this.subject.uploads[0]?.id !== sent[0].id) this.forgetMask();
    else if (this.brush.used) $("mask").hidden = false;
    this.subject.uploads = sent;
    this.subject.protect = this.brush.used ? [] : await this.stillThere(job.task.protect ?? []);
    [this.subject.reference = null] = await this.found(job.task.reference ? [job.task.reference] : []);
    this.choose(job);
    this.lay();
    $("controls").scrollIntoView({ block: "nearest" });
    $("main-options").querySelector("input").focus({ preventScroll: true });
  }

  async found(ids) {
    return (await Promise.all(ids.map((id) => api.uploadOf(id).catch(() => null)))).filter(Boolean);
  }

  async stillThere(words) {
    const found = new Set((await this.found(words.map((word) => word.replace("not:", "")))).map((each) => each.id));
    return words.filter((word) => found.has(word.replace("not:", "")));
  }

  async refer(file) {
    const sent = await this.attempt(() => api.upload(file));
    if (sent) this.subject.reference = sent;
    this.ready();
  }

  async forget(job) {
    if (!confirm(`Delete ${job.title} with its painting?`)) return;
    await this.attempt(() => api.forget(job.id));
    if (this.open() === job.id) {
      this.close();
      this.lay();
    }
    await this.refresh();
  }

  async refresh() {
    const jobs = await this.attempt(api.jobs);
    if (!jobs) return;
    this.jobs = jobs;
    const chosen = (job) => this.options[optionsOf(job)].differing(job.task.options ?? {});
    drawHistory(jobs, this.open(), (job) => this.what(job), chosen, {
      show: (job) => (this.show(job), this.refresh(), $("easel").scrollIntoView({ block: "nearest" })),
      again: (job) => this.again(job),
      forget: (job) => this.forget(job),
    });
  }
}

async function lookAtCrew() {
  const { workers } = await api.health().catch(() => ({ workers: null }));
  $("crew").dataset.is = workers ? "ok" : "away";
  const words = workers === null ? "the server does not answer" : workers === 1 ? "one painter ready" : workers ? `${workers} painters ready` : "the painter is on its way";
  if ($("crew").textContent !== words) $("crew").textContent = words;
}

function letIn() {
  if (!$("door").open) $("door").showModal();
}

$("door-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    await api.enter($("token").value.trim());
    location.reload();
  } catch (refusal) {
    $("door-trouble").textContent = refusal.message;
    $("door-trouble").hidden = false;
  }
});

async function start() {
  lookAtCrew();
  setInterval(lookAtCrew, PATIENCE_MS);
  try {
    const [styles, options] = await Promise.all([api.styles(), api.options()]);
    const page = new Page(styles, options);
    await page.refresh();
    await page.openFromAddress();
    document.body.dataset.ready = "yes"; // for those who wait for it
  } catch (refusal) {
    if (refusal.status === 401) return letIn();
    $("trouble").textContent = refusal.message;
    $("trouble").hidden = false;
  }
}

start();
