// A brush over the photo: what it covers stays as photographed.

import { $, button, make } from "./dom.js";

const LONGEST_PX = 1024;

export class Brush {
  constructor(changed) {
    this.changed = changed;
    this.canvas = $("mask");
    this.pen = this.canvas.getContext("2d");
    this.used = false;
    this.last = null;
    this.canvas.addEventListener("pointerdown", (event) => {
      this.canvas.setPointerCapture(event.pointerId);
      this.last = this.place(event);
      this.stroke(event);
    });
    this.canvas.addEventListener("pointermove", (event) => this.last && this.stroke(event));
    for (const name of ["pointerup", "pointercancel"]) this.canvas.addEventListener(name, () => (this.last = null));
    this.width = make("input", { id: "brush-width", type: "range", className: "slide", min: 2, max: 30, value: 8 });
    this.tools = make("div", { className: "brush" },
      make("label", { htmlFor: "brush-width" }, "Brush"), this.width,
      button("Wipe it off", () => (this.clear(), this.changed())), button("Ready", () => this.close()));
    $("deeds").before(this.tools);
    this.close();
  }

  // Takes the shape of the photo that is shown.
  open() {
    const { naturalWidth, naturalHeight } = $("before");
    const scale = Math.min(1, LONGEST_PX / Math.max(naturalWidth, naturalHeight));
    if (!this.used) {
      this.canvas.width = Math.round(naturalWidth * scale);
      this.canvas.height = Math.round(naturalHeight * scale);
    }
    this.canvas.classList.add("open");
    this.tools.hidden = this.canvas.hidden = false;
    this.width.focus();
  }

  close() {
    this.canvas.classList.remove("open");
    this.tools.hidden = true;
    this.canvas.hidden = !this.used;
  }

  clear() {
    this.used = false;
    this.pen.clearRect(0, 0, this.canvas.width, this.canvas.height);
    if (this.tools.hidden) this.canvas.hidden = true;
  }

  place(event) {
    const box = this.canvas.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * this.canvas.width, ((event.clientY - box.top) / box.height) * this.canvas.height];
  }

  stroke(event) {
    const now = this.place(event);
    this.pen.strokeStyle = "#b23a1e";
    this.pen.lineWidth = (Number(this.width.value) / 100) * Math.max(this.canvas.width, this.canvas.height);
    this.pen.lineCap = this.pen.lineJoin = "round";
    this.pen.beginPath();
    this.pen.moveTo(...this.last);
    this.pen.lineTo(...now);
    this.pen.stroke();
    this.last = now;
    if (!this.used) {
      this.used = true;
      this.changed();
    }
  }

  // White where the brush was, black elsewhere; null where it was nowhere.
  async file() {
    if (!this.used) return null;
    const flat = make("canvas", { width: this.canvas.width, height: this.canvas.height });
    const pen = flat.getContext("2d");
    pen.drawImage(this.canvas, 0, 0);
    pen.globalCompositeOperation = "source-in";
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, flat.width, flat.height);
    pen.globalCompositeOperation = "destination-over";
    pen.fillStyle = "#000";
    pen.fillRect(0, 0, flat.width, flat.height);
    const png = await new Promise((done) => flat.toBlob(done, "image/png"));
    return new File([png], "kept part.png", { type: "image/png" });
  }
}
