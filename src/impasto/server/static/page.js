// The page: a photo, a style, and what becomes of them.

import * as api from "./api.js";
import { Brush } from "./brush.js";
import { $ } from "./dom.js";
import { Easel } from "./easel.js";
import { Gallery } from "./gallery.js";
import { drawHistory } from "./history.js";
import { Options } from "./options.js";

const PATIENCE_MS = 8000; // between looks at the workers and at jobs of other windows

class Page {
  constructor(styles, options) {
    this.photo = null;
    this.jobs = [];
    this.unfollow = () => {};
    this.easel = new Easel({ stop: (id) => this.attempt(() => api.stop(id)), cancel: (id) => this.attempt(() => api.cancel(id)), again: (job) => this.again(job), brush: () => this.brush.open() });
    this.brush = new Brush(() => (this.protect = []));
    this.protect = []; // ids of masks that an earlier job had
    this.options = new Options($("main-options"), $("more-options"), options);
    this.gallery = new Gallery(styles, () => this.ready(), (refusal) => this.trouble(refusal));
    const { limits } = options;
    $("photo-limits").textContent = `Up to ${Math.round(limits.max_upload_bytes / 1e6)} MB. It stays on this server, for ${limits.keep_days} days.`;
    this.listen();
  }

  listen() {
    $("controls").addEventListener("submit", (event) => (event.preventDefault(), this.paint()));
    $("photo-file").addEventListener("change", () => {
      const [file] = $("photo-file").files;
      $("photo-file").value = "";
      if (file) this.bring(file);
    });
    document.addEventListener("paste", (event) => {
      const file = [...(event.clipboardData?.files ?? [])][0];
      if (file) this.bring(file);
    });
    // A file that is dropped beside the easel must not make the browser leave the page.
    for (const name of ["dragenter", "dragover"]) document.addEventListener(name, (event) => {
      event.preventDefault();
      $("easel").classList.toggle("dropping", !$("tiles").contains(event.target));
    });
    document.addEventListener("dragleave", (event) => event.relatedTarget ?? $("easel").classList.remove("dropping"));
    document.addEventListener("drop", (event) => {
      event.preventDefault();
      $("easel").classList.remove("dropping");
      const [file] = event.dataTransfer.files;
      if (file && $("tiles").contains(event.target)) this.gallery.bring(file);
      else if (file) this.bring(file);
    });
    addEventListener("hashchange", () => this.openFromAddress());
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

  async bring(file) {
    this.close();
    $("headline").textContent = `Reading ${file.name || "the picture"}…`;
    $("detail").textContent = "";
    $("below").hidden = false;
    const sent = await this.attempt(() => api.upload(file));
    if (sent) this.forgetMask();
    if (sent?.kind === "card") this.trouble(new api.Refusal(`${sent.name} is a style card; drop it onto the styles`, 422));
    else if (sent) this.photo = sent;
    if (this.photo) this.easel.photo(this.photo);
    else this.easel.nothing();
    this.ready();
  }

  // Forgets which job is on the easel; the job itself goes on.
  close() {
    this.unfollow();
    if (location.hash) history.replaceState(null, "", location.pathname);
    for (const id of ["compare", "seam", "labels", "bar"]) $(id).hidden = true;
  }

  ready() {
    const missing = [!this.photo && "a photo", !this.gallery.words().length && "a style"].filter(Boolean);
    $("paint").disabled = missing.length > 0;
    $("paint-note").textContent = missing.length ? `Choose ${missing.join(" and ")}.` : "";
    $("paint-note").hidden = !missing.length;
  }

  async paint() {
    $("paint").disabled = true;
    const mask = await this.brush.file();
    const kept = mask ? await this.attempt(() => api.upload(mask)) : null;
    if (mask && !kept) return this.ready();
    const protect = kept ? [kept.id] : this.protect;
    const task = { photo: this.photo.id, styles: this.gallery.words(), protect, options: this.options.chosen() };
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
    this.protect = [];
  }

  show(job) {
    this.unfollow();
    this.brush.close();
    $("mask").hidden = true;
    $("trouble").hidden = true;
    history.replaceState(null, "", `#job=${job.id}`);
    this.told(job);
    this.unfollow = api.follow(job.id, (now) => this.told(now), () => (this.close(), this.easel.nothing(), this.refresh()));
  }

  told(job) {
    const known = this.jobs.find((each) => each.id === job.id);
    this.easel.job(job, this.styles(job));
    if (known?.state !== job.state) this.refresh();
    if (known) Object.assign(known, job);
  }

  styles(job) {
    return job.task.styles.map((word) => this.gallery.title(word)).join(" and ");
  }

  open() {
    return /^#job=([0-9a-f]{32})$/.exec(location.hash)?.[1] ?? null;
  }

  async openFromAddress() {
    const id = this.open();
    const job = id && (await this.attempt(() => api.job(id)));
    if (job) {
      this.show(job);
      this.photo ??= await api.uploadOf(job.task.photo).catch(() => null);
      this.recall(job);
    }
  }

  recall(job) {
    this.gallery.choose(job.task.styles);
    this.options.set(job.task.options ?? {});
    this.ready();
  }

  // The same photo with the same choices, to change one of them.
  async again(job) {
    const sent = await this.attempt(() => this.photoOf(job));
    if (!sent) return;
    this.close();
    if (this.photo?.id !== sent.id) this.forgetMask();
    else if (this.brush.used) $("mask").hidden = false;
    this.photo = sent;
    this.easel.photo(sent);
    this.protect = this.brush.used ? [] : await this.stillThere(job.task.protect ?? []);
    this.recall(job);
    $("controls").scrollIntoView({ block: "nearest" });
    $("option-strength").focus({ preventScroll: true });
  }

  async stillThere(ids) {
    const found = await Promise.all(ids.map((id) => api.uploadOf(id.replace("not:", "")).catch(() => null)));
    return ids.filter((_, number) => found[number]);
  }

  async photoOf(job) {
    try {
      return await api.uploadOf(job.task.photo);
    } catch (refusal) {
      if (refusal.status !== 404) throw refusal;
      const kept = await fetch(api.picture.photo(job.id)); // uploads are cleaned up before jobs
      return api.upload(new File([await kept.blob()], job.title));
    }
  }

  async forget(job) {
    if (!confirm(`Delete ${job.title} with its painting?`)) return;
    await this.attempt(() => api.forget(job.id));
    if (this.open() === job.id) {
      this.close();
      if (this.photo) this.easel.photo(this.photo);
      else this.easel.nothing();
    }
    await this.refresh();
  }

  async refresh() {
    const jobs = await this.attempt(api.jobs);
    if (!jobs) return;
    this.jobs = jobs;
    drawHistory(jobs, this.open(), (word) => this.gallery.title(word), (given) => this.options.differing(given), {
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
