/**
 * Fields of a request: read, or complained about by their path, which is written
 * as it is read: `messages[1].content[0].type`.
 */
import { formOf, wrong } from "../contents.js";
import { ValueError } from "../errors.js";
import { readJson, shown } from "../json.js";

export type Form = Record<string, unknown>;

/** The types of parts that are text, and the key of each one's text. */
const TEXT_PARTS: Record<string, string> = {
  text: "text",
  input_text: "text",
  output_text: "text",
  refusal: "refusal",
};

/** The same of reasoning. */
export const REASONING_PARTS: Record<string, string> = {
  reasoning_text: "text",
  text: "text",
};

/** The complaint about a value that is none of the known ones. */
export function unknown(
  place: string,
  value: unknown,
  known: readonly string[],
): ValueError {
  const names = known.join(", ");
  return new ValueError(place, `${shown(value)} is not known (known: ${names})`);
}

/** A JSON object. */
export function table(place: string, value: unknown): Form {
  const form = formOf(value);
  if (form === null) throw wrong(place, "an object", value);
  return form;
}

/** The body of a request, of which text is JSON. */
export function bodyOf(request: object | string): Form {
  return table("request", typeof request === "string" ? readJson(request) : request);
}

/** A JSON array; null is an empty one. */
export function entries(place: string, value: unknown): readonly unknown[] {
  if (value === null || value === undefined) return [];
  if (Array.isArray(value)) return value;
  throw wrong(place, "a list", value);
}

/** What is in a JSON array, each with its place. */
export function placed(place: string, value: unknown): [string, unknown][] {
  return entries(place, value).map((item, index) => [`${place}[${index}]`, item]);
}

/** What stands under a key, which may be null but not missing. */
export function required(place: string, form: Form, key: string): unknown {
  if (Object.hasOwn(form, key)) return form[key];
  throw new ValueError(`${place}.${key}`, "missing");
}

/** The text under a key, which must be there. */
export function text(place: string, form: Form, key: string): string {
  const value = required(place, form, key);
  if (typeof value === "string") return value;
  throw wrong(`${place}.${key}`, "text", value);
}

/** The text under a key; null if there is none. */
export function optionalText(place: string, form: Form, key: string): string | null {
  const value = get(form, key);
  if (value === null || typeof value === "string") return value;
  throw wrong(`${place}.${key}`, "text", value);
}

/** What stands under a key; null if nothing does. */
export function get(form: Form, key: string): unknown {
  return Object.hasOwn(form, key) ? (form[key] ?? null) : null;
}

/** A truth value; null is false. */
export function flag(place: string, value: unknown): boolean {
  if (value === null || value === undefined) return false;
  if (typeof value === "boolean") return value;
  throw wrong(place, "true or false", value);
}

/** The text of a content that must be there: a text, or parts, joined. */
export function content(
  place: string,
  form: Form,
  key: string,
  kinds = TEXT_PARTS,
): string {
  const value = required(place, form, key);
  if (typeof value === "string") return value;
  if (!Array.isArray(value)) {
    throw wrong(`${place}.${key}`, "text or a list of parts", value);
  }
  const parts = placed(`${place}.${key}`, value);
  return parts.map(([where, part]) => partText(where, part, kinds)).join("");
}

/** The text of one part, whose type is one of `kinds`. */
export function partText(
  place: string,
  part: unknown,
  kinds: Record<string, string>,
): string {
  const form = table(place, part);
  const kind = required(place, form, "type");
  if (typeof kind === "string" && Object.hasOwn(kinds, kind)) {
    return text(place, form, kinds[kind]!);
  }
  const known = Object.keys(kinds).join(", ");
  const complaint = `${shown(kind)} is no text (what is text: ${known})`;
  throw new ValueError(`${place}.type`, complaint);
}
