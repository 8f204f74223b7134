// What was painted before, each with its recipe.

import { $, ago, make } from "./dom.js";
import { picture } from "./api.js";

const KINDS = { video: "film", batch: "batch", colorize: "coloured" };
const STATES = { queued: "waiting", running: "painting…", failed: "failed", cancelled: "cancelled" };

// what: in which style a job was painted, or what else was done. chosen: its options that are not as by default
export function drawHistory(jobs, open, what, chosen, deeds) {
  $("history-empty").hidden = jobs.length > 0;
  $("history-note").textContent = jobs.length ? `${jobs.length === 60 ? "the last " : ""}${jobs.length}` : "";
  $("cards").replaceChildren(...jobs.map((job) => card(job, job.id === open, what(job), chosen(job), deeds)));
}

function card(job, isOpen, styles, chosen, deeds) {
  const done = job.state === "done";
  const kind = done && KINDS[job.task.verb] ? (job.pictures.length ? `${job.pictures.length} paintings` : KINDS[job.task.verb]) : "";
  const face = make("button", { type: "button", className: "face", "aria-label": `${done ? `Show ${kind}` : STATES[job.state]} ${job.title}, ${styles}`, onclick: () => deeds.show(job) },
    done ? make("img", { src: picture.preview(job.id, "last", job.pictures.length ? job.pictures.findIndex((each) => each.painting) : null), alt: "", loading: "lazy" }) : STATES[job.state],
    kind ? make("span", { className: "kind" }, kind) : null);
  const link = (words, deed) => make("button", { type: "button", className: "link", "aria-label": `${words} ${job.title}, ${styles}`, onclick: deed }, words);
  return make("li", { className: isOpen ? "card open" : "card" }, face,
    make("div", { className: "words" },
      make("p", { className: "title", title: job.title }, job.title),
      make("p", { className: "soft small", title: styles }, `${styles}, ${ago(job.created_at)}`),
      recipe(chosen)),
    make("div", { className: "row" },
      done ? make("a", { className: "link", href: picture.download(job.id), download: "", "aria-label": `Download ${job.title}, ${styles}` }, "Download") : null,
      link("Again, but…", () => deeds.again(job)),
      link("Delete", () => deeds.forget(job))));
}

function recipe(given) {
  if (!given.length) return null;
  return make("details", { className: "small" }, make("summary", { className: "soft small" }, "Recipe"),
    make("dl", { className: "recipe" }, ...given.flatMap(([name, value]) => [make("dt", {}, name.replaceAll("_", " ")), make("dd", {}, String(value))])));
}
