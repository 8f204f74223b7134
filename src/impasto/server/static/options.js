// The controls, made from the schema that the server sends: a new option appears here by itself.

import { make } from "./dom.js";

const MAIN = ["strength", "size", "quality", "time", "colors", "keep_colors"];
const NAMES = { size: "Longest side", time: "Or by the clock", jpeg_quality: "JPEG quality" };
const ENDS = { strength: ["photo", "style"] };

const title = (name) => NAMES[name] ?? name.replaceAll("_", " ").replace(/^./, (letter) => letter.toUpperCase());

export class Options {
  constructor(main, more, page) {
    this.fields = new Map();
    this.main = main;
    this.more = more;
    const { properties, $defs = {} } = page.verbs.stylize;
    for (const [name, raw] of Object.entries(properties)) {
      const schema = settled(raw, $defs);
      if (name === "size") schema.maximum = Math.min(schema.maximum, page.limits.max_size_px);
      this.add(name, schema);
    }
  }

  add(name, schema) {
    const field = build(name, schema);
    field.initial = schema.default ?? null;
    this.fields.set(name, field);
    (MAIN.includes(name) ? this.main : this.more).append(field.element);
  }

  // Only what differs from the defaults, so that a recipe says what was chosen.
  chosen() {
    const given = {};
    for (const [name, field] of this.fields) {
      const value = field.get();
      if (value !== null && value !== field.initial) given[name] = value;
    }
    return given;
  }

  differing(given) {
    return Object.entries(given).filter(([name, value]) => value !== (this.fields.get(name)?.initial ?? null));
  }

  set(given) {
    for (const [name, field] of this.fields) field.set(given[name] ?? field.initial);
  }
}

function settled(raw, defs) {
  const found = raw.$ref ? { ...defs[raw.$ref.split("/").pop()], ...raw } : { ...raw };
  const kind = (found.anyOf ?? found.allOf ?? []).map((each) => (each.$ref ? defs[each.$ref.split("/").pop()] : each));
  return { ...(kind.find((each) => each.type !== "null") ?? {}), ...found };
}

function build(name, schema) {
  const id = `option-${name}`;
  if (schema.enum) return schema.enum.length < 4 && name === "quality" ? choices(name, schema) : select(id, name, schema);
  if (schema.type === "boolean") return check(id, name, schema);
  if (schema.type === "number" && schema.minimum === 0 && schema.maximum === 1) return slider(id, name, schema, 0.01);
  if (schema.type === "number" || schema.type === "integer") return number(id, name, schema);
  return text(id, name, schema);
}

const note = (id, schema) => make("p", { className: "soft small", id: `${id}-note` }, schema.description ?? "");
const label = (id, name, ...more) => make("label", { className: "name", htmlFor: id }, title(name), ...more);
const field = (...parts) => make("div", { className: "field" }, ...parts);

function slider(id, name, schema, step) {
  const percent = (value) => `${Math.round(100 * value)} %`;
  const shown = make("output", { htmlFor: id }, percent(schema.default));
  const input = make("input", {
    id, name, type: "range", className: "slide", min: schema.minimum, max: schema.maximum, step,
    "aria-describedby": `${id}-note`, oninput: () => (shown.value = percent(input.value)),
  });
  input.value = schema.default;
  const ends = ENDS[name] ? make("div", { className: "ends", ariaHidden: "true" }, ...ENDS[name].map((word) => make("span", {}, word))) : null;
  return {
    element: field(label(id, name, shown), input, ends, note(id, schema)),
    get: () => Number(input.value),
    set: (value) => ((input.value = value), (shown.value = percent(value))),
  };
}

function number(id, name, schema) {
  const input = make("input", {
    id, name, type: "number", min: schema.minimum ?? "", max: schema.maximum ?? "",
    step: schema.type === "integer" ? 1 : "any", placeholder: schema.default ?? "automatic",
    inputMode: "decimal", "aria-describedby": `${id}-note`,
  });
  input.value = schema.default ?? "";
  return {
    element: field(label(id, name), input, note(id, schema)),
    get: () => (input.value === "" ? null : Number(input.value)),
    set: (value) => (input.value = value ?? ""),
  };
}

function text(id, name, schema) {
  const input = make("input", {
    id, name, type: "text", placeholder: schema.examples ? `such as ${schema.examples.join(" or ")}` : "",
    "aria-describedby": `${id}-note`, autocomplete: "off",
  });
  return {
    element: field(label(id, name), input, note(id, schema)),
    get: () => input.value.trim() || null,
    set: (value) => (input.value = value ?? ""),
  };
}

function select(id, name, schema) {
  const input = make("select", { id, name, "aria-describedby": `${id}-note` }, ...schema.enum.map((word) => make("option", { value: word }, word)));
  input.value = schema.default;
  return { element: field(label(id, name), input, note(id, schema)), get: () => input.value, set: (value) => (input.value = value) };
}

function choices(name, schema) {
  const inputs = schema.enum.map((word) => make("input", { type: "radio", name, value: word, checked: word === schema.default }));
  const rows = inputs.map((input) => make("label", {}, input, make("span", {}, title(input.value))));
  const id = `option-${name}`;
  const group = make("div", { className: "choices", role: "radiogroup", "aria-labelledby": id, "aria-describedby": `${id}-note` }, ...rows);
  return {
    element: field(make("span", { className: "name", id }, title(name)), group, note(id, schema)),
    get: () => inputs.find((input) => input.checked).value,
    set: (value) => inputs.forEach((input) => (input.checked = input.value === value)),
  };
}

function check(id, name, schema) {
  const input = make("input", { id, name, type: "checkbox", checked: schema.default ?? false, "aria-describedby": `${id}-note` });
  return {
    element: field(make("label", { className: "check", htmlFor: id }, input, title(name)), note(id, schema)),
    get: () => input.checked,
    set: (value) => (input.checked = Boolean(value)),
  };
}
