/**
 * A JSON schema as the TypeScript type that gpt-oss models were trained on.
 *
 * The same as harmony/typescript.py, rule by rule, on the same goldens; each
 * oddity is that of openai-harmony 0.0.8 and is explained there.
 */
import {
  entriesOf,
  floatText,
  isInteger,
  JsonNumber,
  numberSource,
  shown,
  wellFormed,
} from "./json.js";
import { ValueError } from "./errors.js";

/** A JSON value on its way through JSON text; a number is its text there. */
export type Json = null | boolean | string | JsonNumber | Json[] | Schema;
export type Schema = Map<string, Json>;

export const NESTED = "    ";
export const IN_VARIANT = "   ";
export const SIMPLE_TYPES: Record<string, string> = {
  number: "number",
  integer: "number",
  boolean: "boolean",
};
const MAX_DEPTH = 200;

/**
 * The type which stands for PARAMETERS in `type NAME = (_: PARAMETERS) =>`.
 *
 *     typescript({type: "array", items: {type: "integer"}})   // "number[]"
 *
 * Throws a `ValueError` for what is no JSON, or nested deeper than 200 levels.
 */
export function typescript(schema: unknown): string {
  const text = new Text();
  writeType(text, keywords(received(schema)), "");
  return text.parts.join("");
}

/** Text in the making, in parts, which can tell where it says `null`. */
class Text {
  readonly parts: string[] = [];
  private lastNull = -1;
  private lookedAt = 0;

  add(...parts: string[]): void {
    for (const part of parts) this.parts.push(part);
  }

  /** Whether a part from that index on says null; each is looked at once. */
  saysNull(start: number): boolean {
    for (; this.lookedAt < this.parts.length; this.lookedAt++) {
      if (this.parts[this.lookedAt]!.includes("null")) this.lastNull = this.lookedAt;
    }
    return this.lastNull >= start;
  }
}

// Types

function writeType(text: Text, schema: Schema, indent: string): void {
  const variants = schema.get("oneOf");
  const kind = schema.get("type");
  if (Array.isArray(variants)) writeVariants(text, variants, indent);
  else if (kind === "string") text.add(stringType(schema));
  else if (kind === "object") writeObject(text, schema, indent);
  else if (kind === "array") writeArray(text, schema, indent);
  else if (Array.isArray(kind)) text.add(wordsOfATypeList(kind));
  else if (typeof kind === "string" && Object.hasOwn(SIMPLE_TYPES, kind)) {
    text.add(SIMPLE_TYPES[kind]!);
  } else text.add("any");
}

/** The keywords of a schema; one that is not an object has none. */
function keywords(schema: Json | undefined): Schema {
  return schema instanceof Map ? schema : new Map();
}

function stringType(schema: Schema): string {
  const values = strings(schema.get("enum"));
  return values.length ? values.map((value) => `"${value}"`).join(" | ") : "string";
}

function wordsOfATypeList(kinds: Json[]): string {
  const words = strings(kinds).map((kind) => (kind === "integer" ? "number" : kind));
  return words.length ? words.join(" | ") : "any";
}

/** The strings of a list; of anything else, none. */
export function strings(value: Json | undefined): string[] {
  if (!Array.isArray(value)) return [];
  return value.filter((item) => typeof item === "string");
}

function writeArray(text: Text, schema: Schema, indent: string): void {
  if (!schema.has("items")) {
    text.add("Array<any>");
    return;
  }
  writeType(text, keywords(schema.get("items")), indent);
  text.add("[]");
}

function writeObject(text: Text, schema: Schema, indent: string): void {
  writeCommentLine(text, schema.get("description"), indent);
  text.add("{\n");
  const properties = schema.get("properties");
  if (properties instanceof Map) {
    const required = new Set(strings(schema.get("required")));
    for (const [name, value] of properties) {
      const label = required.has(name) ? name : `${name}?`;
      writeProperty(text, label, keywords(value), indent);
    }
  }
  text.add(`${indent}}`);
}

// Properties

function writeProperty(
  text: Text,
  label: string,
  schema: Schema,
  indent: string,
): void {
  const title = schema.get("title");
  if (typeof title === "string") text.add(`${indent}// ${title}\n${indent}//\n`);
  if (Array.isArray(schema.get("oneOf"))) {
    writePropertyOfVariants(text, label, schema, indent);
    return;
  }
  const ignoresBoth = schema.has("oneOf");
  if (!ignoresBoth) writeCommentLine(text, schema.get("description"), indent);
  writeExamples(text, schema, indent);
  text.add(`${indent}${label}: `);
  writeNullableType(text, schema, indent + NESTED);
  text.add(",");
  if (!ignoresBoth && schema.has("default")) {
    text.add(" // default: ");
    writePropertyDefault(text, schema);
  }
  text.add("\n");
}

function writeCommentLine(text: Text, comment: Json | undefined, indent: string): void {
  if (typeof comment === "string") text.add(`${indent}// ${comment}\n`);
}

function writeExamples(text: Text, schema: Schema, indent: string): void {
  const examples = schema.get("examples");
  if (!Array.isArray(examples) || !examples.length) return;
  text.add(`${indent}// Examples:\n`);
  for (const example of strings(examples)) text.add(`${indent}// - "${example}"\n`);
}

function writeNullableType(text: Text, schema: Schema, indent: string): void {
  const start = text.parts.length;
  writeType(text, schema, indent);
  if (schema.get("nullable") === true && !text.saysNull(start)) text.add(" | null");
}

// Variants: what is in a oneOf

type WriteDefault = (text: Text, schema: Schema) => void;

function writeVariants(text: Text, variants: Json[], indent: string): void {
  for (const variant of variants.map(keywords)) {
    writeVariant(text, variant, indent);
    const comment = variant.get("description");
    writeVariantComment(text, variant, comment, writeVariantDefault);
  }
}

function writePropertyOfVariants(
  text: Text,
  label: string,
  schema: Schema,
  indent: string,
): void {
  const variants = (schema.get("oneOf") as Json[]).map(keywords);
  const description = schema.get("description");
  writeExamples(text, schema, indent);
  if (!variants.length || !same(variants[0]!.get("description"), description)) {
    writeCommentLine(text, description, indent);
  }
  if (schema.has("default")) {
    text.add(`${indent}// default: `);
    writePropertyDefault(text, schema);
    text.add("\n");
  }
  text.add(`${indent}${label}:`);
  variants.forEach((variant, position) => {
    writeVariant(text, variant, indent);
    const own = variant.get("description");
    const hidden =
      typeof description === "string" && (position === 0 || own === description);
    writeVariantComment(text, variant, hidden ? null : own, writePropertyDefault);
  });
  text.add(`\n${indent},\n`);
}

/** Whether two descriptions are the same text; only text is ever written. */
function same(one: Json | undefined, other: Json | undefined): boolean {
  return typeof other !== "string" || one === other;
}

function writeVariant(text: Text, variant: Schema, indent: string): void {
  text.add(`\n${indent} | `);
  writeNullableType(text, variant, indent + IN_VARIANT);
}

function writeVariantComment(
  text: Text,
  variant: Schema,
  comment: Json | undefined,
  writeDefault: WriteDefault,
): void {
  let before = " // ";
  if (typeof comment === "string") {
    text.add(before + comment);
    before = " ";
  }
  if (variant.has("default")) {
    text.add(`${before}default: `);
    writeDefault(text, variant);
  }
}

// Defaults

function writePropertyDefault(text: Text, schema: Schema): void {
  const value = schema.get("default") as Json;
  if (typeof value !== "string") writeJson(text, value);
  else text.add(hasEnum(schema) ? value : `"${value}"`);
}

function writeVariantDefault(text: Text, schema: Schema): void {
  const value = schema.get("default") as Json;
  if (typeof value === "string" && !hasEnum(schema)) text.add(`"${value}"`);
  else writeJson(text, value);
}

function hasEnum(schema: Schema): boolean {
  const values = schema.get("enum");
  return Array.isArray(values) && values.length > 0;
}

/** Compact JSON, keys in their order, non-ASCII characters as they are. */
function writeJson(text: Text, value: Json): void {
  if (value instanceof Map) {
    let before = "{";
    for (const [key, item] of value) {
      text.add(`${before}${JSON.stringify(key)}:`);
      writeJson(text, item);
      before = ",";
    }
    text.add(value.size ? "}" : "{}");
  } else if (Array.isArray(value)) {
    let before = "[";
    for (const item of value) {
      text.add(before);
      writeJson(text, item);
      before = ",";
    }
    text.add(value.length ? "]" : "[]");
  } else if (value instanceof JsonNumber) text.add(value.source);
  else text.add(JSON.stringify(value));
}

/** Compact JSON which TypeScript reads as the same value, on one line. */
export function jsonLiteral(value: Json): string {
  const text = new Text();
  writeJson(text, value);
  return text.parts
    .join("")
    .replaceAll("\u2028", "\\u2028")
    .replaceAll("\u2029", "\\u2029");
}

// What arrives: the reference is handed a schema as JSON text, and reads numbers
// in it less exactly than a double could be read.

/** A JSON value as it is after its way through JSON text. */
export function received(value: unknown, depth = 0): Json {
  if (typeof value === "string") return wellFormed(value);
  if (value === null || typeof value === "boolean") return value;
  const source = numberSource(value);
  if (source !== null) return receivedNumber(source);
  if (depth > MAX_DEPTH) {
    throw new ValueError("schema", `nested deeper than ${MAX_DEPTH} levels`);
  }
  if (Array.isArray(value)) return value.map((item) => received(item, depth + 1));
  const entries = entriesOf(value);
  if (entries === null) {
    throw new ValueError("schema", `a schema is a JSON value; ${shown(value)} is none`);
  }
  return new Map(
    entries.map(([key, item]) => [wellFormed(key), received(item, depth + 1)]),
  );
}

function receivedNumber(source: string): JsonNumber | null {
  const value = isInteger(source) ? receivedInteger(source) : receivedFloat(source);
  return value === null ? null : new JsonNumber(value);
}

/**
 * An integer of up to 64 bits, signed or not, stays as it is. Of a longer one,
 * as many leading digits count as an unsigned 64-bit integer holds.
 */
function receivedInteger(source: string): string | null {
  const value = BigInt(source);
  if (value >= -(2n ** 63n) && value < 2n ** 64n) return String(value);
  const digits = String(value).replace("-", "");
  if (digits.length > 310) return null;
  const head = digits.slice(0, BigInt(digits.slice(0, 20)) < 2n ** 64n ? 20 : 19);
  const result = scaled(head, digits.length - head.length);
  if (!Number.isFinite(result)) return null;
  return schemaFloatText(value < 0n ? -result : result);
}

/** The double that is read where a number was written. */
function receivedFloat(source: string): string | null {
  const value = Number(source);
  if (!Number.isFinite(value)) return null;
  const [mantissa, exponent] = floatText(Math.abs(value)).split("e");
  const [whole, fraction = ""] = mantissa!.split(".");
  const result = scaled(whole! + fraction, Number(exponent ?? 0) - fraction.length);
  const negative = value < 0 || Object.is(value, -0);
  return schemaFloatText(negative ? -result : result);
}

/** digits · 10^exponent as the reference has it: in doubles, rounding each step. */
function scaled(digits: string, exponent: number): number {
  let result = Number(digits);
  let left = exponent;
  for (; left < -308; left += 308) result /= 1e308;
  const power = Number(`1e${Math.abs(left)}`);
  return left < 0 ? result / power : result * power;
}

/** As `floatText`, but `1e16`, `1e-6`, and no exponent at 1e-5. */
function schemaFloatText(value: number): string {
  const [digits, exponent] = floatText(value).split("e");
  if (exponent === undefined) return digits!;
  if (exponent === "-05") {
    const sign = value < 0 ? "-" : "";
    return `${sign}0.0000${digits!.replace("-", "").replace(".", "")}`;
  }
  return `${digits}e${Number(exponent)}`;
}
