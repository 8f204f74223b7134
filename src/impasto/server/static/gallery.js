// The gallery: built-in styles, and paintings of one's own; one of them, or a blend with shares.

import { $, make } from "./dom.js";
import { picture, upload, uploadOf } from "./api.js";

const OWN = "impasto-own-styles"; // ids of uploads, kept in this browser

export class Gallery {
  constructor(styles, changed, trouble) {
    this.changed = changed;
    this.trouble = trouble;
    this.optional = false; // whether no style at all is a choice, too
    this.shares = new Map(); // style -> share, in the order of choosing
    this.titles = new Map(styles.map((style) => [style.name, style.title]));
    this.tiles = new Map();
    this.addTile = make("li", {}, make("button", { type: "button", className: "tile own", onclick: () => $("style-file").click() },
      make("span", { className: "pic", ariaHidden: "true" }, "+"), make("span", { className: "words" }, "Your painting")));
    $("tiles").append(this.addTile);
    for (const style of styles) this.add(style.name, style.title, `${style.title}, ${style.artist}, ${style.year}`, picture.style(style.name));
    $("blend").addEventListener("change", () => {
      if (!$("blend").checked) this.choose([...this.shares.keys()].slice(-1));
    });
    $("style-file").addEventListener("change", async () => {
      const [file] = $("style-file").files;
      $("style-file").value = "";
      if (file) await this.bring(file);
    });
    this.recall();
  }

  add(name, title, told, src) {
    const tile = make("button", { type: "button", className: "tile", title: told, "aria-pressed": "false", onclick: () => this.toggle(name) },
      make("span", { className: "pic" }, make("img", { src, alt: "", loading: "lazy", width: 96, height: 96 })),
      make("span", { className: "words" }, title));
    this.tiles.set(name, tile);
    this.titles.set(name, title);
    const row = make("li", {}, tile);
    if (/^[0-9a-f]{32}$/.test(name)) this.addTile.after(row);
    else $("tiles").append(row);
  }

  async bring(file) {
    try {
      const sent = await upload(file);
      this.own(sent);
      localStorage.setItem(OWN, JSON.stringify([sent.id, ...this.kept()].slice(0, 12)));
      this.toggle(sent.id);
    } catch (refusal) {
      this.trouble(refusal);
    }
  }

  own(sent) {
    if (!this.tiles.has(sent.id)) this.add(sent.id, sent.name, `Your painting ${sent.name}`, picture.upload(sent.id));
  }

  kept() {
    return JSON.parse(localStorage.getItem(OWN) ?? "[]");
  }

  async recall() {
    const found = [];
    for (const id of this.kept().reverse()) {
      const sent = await uploadOf(id).catch(() => null);
      if (sent) found.unshift(id), this.own(sent);
    }
    localStorage.setItem(OWN, JSON.stringify(found));
  }

  toggle(name) {
    if (!$("blend").checked && this.optional && this.shares.has(name)) this.choose([]);
    else if (!$("blend").checked) this.choose([name]);
    else if (this.shares.has(name)) this.choose([...this.shares.keys()].filter((each) => each !== name));
    else this.choose([...this.shares.keys(), name]);
  }

  // names, each perhaps with a share as in scream:0.3
  choose(words) {
    const before = this.shares;
    this.shares = new Map();
    for (const word of words.slice(0, 8)) {
      const [name, share] = word.split(":");
      this.shares.set(name, share ? Number(share) : before.get(name) ?? 1);
    }
    if (this.shares.size > 1) $("blend").checked = true;
    for (const [name, tile] of this.tiles) tile.setAttribute("aria-pressed", String(this.shares.has(name)));
    this.drawShares();
    this.changed();
  }

  drawShares() {
    const rows = this.shares.size < 2 ? [] : [...this.shares].map(([name, share]) => {
      const shown = make("output", {}, share.toFixed(2));
      const input = make("input", { type: "range", className: "slide", min: 0.05, max: 1, step: 0.05, id: `share-${name}`,
        oninput: () => { this.shares.set(name, Number(input.value)); shown.value = Number(input.value).toFixed(2); } });
      input.value = share;
      return make("div", { className: "field" }, make("label", { className: "name", htmlFor: `share-${name}` }, `Share of ${this.title(name)}`, shown), input);
    });
    $("shares").replaceChildren(...rows);
  }

  title(word) {
    return this.titles.get(word.split(":")[0]) ?? "your painting";
  }

  words() {
    return [...this.shares].map(([name, share]) => (this.shares.size > 1 && share !== 1 ? `${name}:${share}` : name));
  }
}
