// How things come in: chosen, pasted, dropped.

import { $ } from "./dom.js";

// Takes the file out of a field, so that the same one can be chosen again.
function taken(field) {
  const files = [...field.files];
  field.value = "";
  return files;
}

export function listen(page) {
  const bring = (files) => files.length && page.bring(files);
  $("controls").addEventListener("submit", (event) => (event.preventDefault(), page.paint()));
  $("photo-file").addEventListener("change", () => bring(taken($("photo-file"))));
  document.addEventListener("paste", (event) => bring([...(event.clipboardData?.files ?? [])]));
  // A file that is dropped beside the easel must not make the browser leave the page.
  for (const name of ["dragenter", "dragover"]) document.addEventListener(name, (event) => {
    event.preventDefault();
    $("easel").classList.toggle("dropping", !$("tiles").contains(event.target));
  });
  document.addEventListener("dragleave", (event) => event.relatedTarget ?? $("easel").classList.remove("dropping"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    $("easel").classList.remove("dropping");
    const files = [...event.dataTransfer.files];
    if (files.length && $("tiles").contains(event.target)) page.gallery.bring(files[0]);
    else bring(files);
  });
  for (const id of ["deed-stylize", "deed-colorize"]) $(id).addEventListener("change", () => {
    if ($("deed-colorize").checked && !page.job) page.gallery.choose([]);
    if (page.job) page.ready();
    else page.lay();
  });
  $("reference").addEventListener("click", () => $("reference-file").click());
  $("reference-file").addEventListener("change", () => taken($("reference-file")).slice(0, 1).forEach((file) => page.refer(file)));
  $("no-reference").addEventListener("click", () => ((page.subject.reference = null), page.ready()));
  addEventListener("hashchange", () => page.openFromAddress());
}
