// What lies on the easel: a photo, several, or a film; and what is asked of it.

import * as api from "./api.js";
import { $ } from "./dom.js";

export class Subject {
  constructor() {
    this.uploads = [];
    this.protect = []; // ids of masks that an earlier job had
    this.reference = null; // a picture whose colours a photo shall take on
  }

  get verb() {
    if (!this.uploads.length) return $("deed-colorize").checked ? "colorize" : "stylize";
    if (this.uploads[0].kind === "film") return "video";
    if (this.uploads.length > 1) return "batch";
    return $("deed-colorize").checked ? "colorize" : "stylize";
  }

  // Whether it is to get colours; a style is a choice then, and no need.
  get colors() {
    return $("deed-colorize").checked && this.verb !== "batch";
  }

  // The body of a job. options: those of each verb.
  task(styles, blend, options, protect) {
    const [first] = this.uploads;
    if (this.verb === "video") {
      const { container = "mp4", ...given } = options.video.chosen();
      const colors = $("deed-colorize").checked ? { coloring: {}, ...(this.reference ? { reference: this.reference.id } : {}) } : {};
      return { verb: "video", film: first.id, styles, container, options: given, ...colors };
    }
    if (this.verb === "batch") return { verb: "batch", photos: this.uploads.map((each) => each.id), styles, blend, options: options.stylize.chosen() };
    if (this.verb === "colorize") {
      const more = styles.length ? { styles, painting: options.stylize.chosen() } : {};
      return { verb: "colorize", photo: first.id, ...(this.reference ? { reference: this.reference.id } : {}), options: options.colorize.chosen(), ...more };
    }
    return { photo: first.id, styles, protect, options: options.stylize.chosen() };
  }

  // What a job was made from, uploaded again where uploads were cleaned up before jobs.
  async recall(job) {
    const { task } = job;
    if (task.verb === "video") return [await api.uploadOf(task.film)];
    const ids = task.photos ?? [task.photo];
    return Promise.all(ids.map((id, number) => this.photoOf(job, id, task.photos?.length > 1 ? number : null)));
  }

  async photoOf(job, id, number) {
    try {
      return await api.uploadOf(id);
    } catch (refusal) {
      if (refusal.status !== 404) throw refusal;
      const kept = await fetch(api.picture.photo(job.id, number));
      return api.upload(new File([await kept.blob()], job.title));
    }
  }
}

export const verbOf = (job) => job.task.verb ?? "stylize";

// Which set of options a job's are from.
export const optionsOf = (job) => ({ batch: "stylize" })[verbOf(job)] ?? verbOf(job);
