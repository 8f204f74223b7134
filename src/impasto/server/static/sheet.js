// A batch: all of its paintings side by side, each to be looked at alone.

import { $, make } from "./dom.js";
import { picture } from "./api.js";

const WORDS = { queued: "waiting", running: "painting…", done: "", failed: "failed", cancelled: "not painted" };

export class Sheet {
  constructor(chosen) {
    this.chosen = chosen; // told which painting was clicked
    this.faces = [];
    this.shown = null;
  }

  hide() {
    $("sheet").hidden = true;
    this.shown = null;
  }

  // Uploads that wait to be painted.
  uploads(uploads) {
    this.build(uploads.map((each) => each.id).join(), uploads.map((each) => [picture.upload(each.id), each.name]));
    for (const face of this.faces) this.tell(face, "", true);
  }

  job(job) {
    const count = job.pictures.length || job.progress?.of || job.task.photos.length * (job.task.blend ? 1 : job.task.styles.length);
    this.build(job.id, Array.from({ length: count }, (_, number) => [picture.photo(job.id, number), `painting ${number + 1}`]));
    this.faces.forEach((face, number) => {
      const state = job.pictures.length ? (job.pictures[number].painting ? "done" : "failed") : (job.progress?.parts[number] ?? "queued");
      const seen = state === "done" ? "last" : state === "running" ? job.progress.previews : null;
      const src = seen === null ? picture.photo(job.id, number) : picture.preview(job.id, seen, number);
      this.swap(face, src);
      face.button.title = job.pictures[number]?.reason ?? job.pictures[number]?.name ?? "";
      this.tell(face, WORDS[state], state !== "done");
    });
  }

  // The old picture stays until the new one is there; a preview may not be.
  swap(face, src) {
    if (face.wanted === src) return;
    face.wanted = src;
    const next = new Image();
    next.onload = () => face.wanted === src && (face.image.src = src);
    next.src = src;
  }

  tell(face, word, waits) {
    face.word.textContent = word;
    face.word.hidden = !word;
    face.button.setAttribute("aria-label", `${word || "Show"} ${face.name}`);
    face.button.disabled = waits;
    face.button.classList.toggle("waits", waits);
  }

  build(key, pictures) {
    $("sheet").hidden = false;
    if (this.shown === key && this.faces.length === pictures.length) return;
    this.shown = key;
    this.faces = pictures.map(([src, name], number) => {
      const image = make("img", { src, alt: "", loading: "lazy" });
      const word = make("span", { className: "word" });
      const button = make("button", { type: "button", className: "face", onclick: () => this.chosen(number) }, image, word);
      return { image, word, button, name, wanted: src };
    });
    $("sheet").replaceChildren(...this.faces.map(({ button }) => make("li", {}, button)));
  }
}
