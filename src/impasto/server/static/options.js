// The controls, made from the schemas that the server sends: a new option appears here by itself.

import { make } from "./dom.js";

const MAIN = {
  stylize: ["strength", "size", "quality", "time", "keep_colors"],
  video: ["strength", "size", "quality", "keep_colors"],
  colorize: ["saturation", "temperature", "rarity"],
};
const NAMES = { size: "Longest side", time: "Or by the clock", jpeg_quality: "JPEG quality", temperature: "Certainty to liveliness", hint: "Hints" };
const ENDS = { strength: ["photo", "style"], rarity: ["usual colours", "rare colours"] };

let verb = "stylize"; // whose fields are being built
const title = (name) => (verb === "colorize" && name === "size" ? "The network looks at" : NAMES[name]) ?? name.replaceAll("_", " ").replace(/^./, (letter) => letter.toUpperCase());
const idOf = (name) => (verb === "stylize" ? `option-${name}` : `${verb}-option-${name}`);

export class Options {
  constructor(of, page) {
    verb = of;
    this.fields = new Map();
    this.main = [];
    this.more = [];
    const { properties, $defs = {} } = page.verbs[of];
    for (const [name, raw] of Object.entries(properties)) {
      const schema = settled(raw, $defs);
      if (name === "size" && of !== "colorize") schema.maximum = Math.min(schema.maximum, page.limits.max_size_px);
      this.add(name, schema);
    }
    if (of === "video") this.add("container", { enum: page.containers, default: page.containers[0], description: "What the result is." });
  }

  add(name, schema) {
    const field = build(name, schema);
    field.initial = schema.default ?? null;
    this.fields.set(name, field);
    (MAIN[verb].includes(name) ? this.main : this.more).push(field.element);
  }

  // Only what differs from the defaults, so that a recipe says what was chosen.
  chosen() {
    const given = {};
    for (const [name, field] of this.fields) {
      const value = field.get();
      if (value !== null && !same(value, field.initial)) given[name] = value;
    }
    return given;
  }

  differing(given) {
    return Object.entries(given).filter(([name, value]) => !same(value, this.fields.get(name)?.initial ?? null));
  }

  set(given) {
    for (const [name, field] of this.fields) field.set(given[name] ?? field.initial);
  }
}

const same = (one, other) => String(one) === String(other);

function settled(raw, defs) {
  const found = raw.$ref ? { ...defs[raw.$ref.split("/").pop()], ...raw } : { ...raw };
  const kind = (found.anyOf ?? found.allOf ?? []).map((each) => (each.$ref ? defs[each.$ref.split("/").pop()] : each));
  return { ...(kind.find((each) => each.type !== "null") ?? {}), ...found };
}

function build(name, schema) {
  const id = idOf(name);
  if (schema.enum) return schema.enum.length < 4 && name === "quality" ? choices(name, schema) : select(id, name, schema);
  if (schema.type === "boolean") return check(id, name, schema);
  if (schema.type === "array") return words(id, name, schema);
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

// Several words, with spaces between.
function words(id, name, schema) {
  const field = text(id, name, { ...schema, examples: schema.items.examples });
  return { ...field, get: () => (field.get() ?? "").split(/\s+/).filter(Boolean), set: (value) => field.set((value ?? []).join(" ")) };
}

function select(id, name, schema) {
  const input = make("select", { id, name, "aria-describedby": `${id}-note` }, ...schema.enum.map((word) => make("option", { value: word }, word)));
  input.value = schema.default;
  return { element: field(label(id, name), input, note(id, schema)), get: () => input.value, set: (value) => (input.value = value) };
}

function choices(name, schema) {
  const inputs = schema.enum.map((word) => make("input", { type: "radio", name, value: word, checked: word === schema.default }));
  const rows = inputs.map((input) => make("label", {}, input, make("span", {}, title(input.value))));
  const id = idOf(name);
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
