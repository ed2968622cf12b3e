/**
 * JSON text, read so that nothing is lost, and written as Python writes it.
 *
 * The models read JSON in prompts: schemas, defaults, arguments. JavaScript
 * forgets some of what JSON text says: whether a number is 1 or 1.0, digits
 * beyond the 53 bits of a double, the place of keys such as "10". `readJson`
 * keeps these, as objects of two classes, and plain values everywhere else.
 */
import { ValueError } from "./errors.js";

/** A number that JavaScript would change: its text in JSON. */
export class JsonNumber {
  constructor(readonly source: string) {}

  /** The nearest number that JavaScript has. */
  valueOf(): number {
    return Number(this.source);
  }

  toString(): string {
    return this.source;
  }

  toJSON(): unknown {
    const raw = (JSON as { rawJSON?: (text: string) => unknown }).rawJSON;
    return raw ? raw(this.source) : Number(this.source);
  }
}

/** An object whose keys JavaScript would reorder. */
export class JsonObject extends Map<string, unknown> {
  toJSON(): unknown {
    return Object.fromEntries(this);
  }
}

/** What may be in a text that `JSON.parse` would change. */
const LOST = /\d[.eE]|-0|\d{16}|"(?:0|[1-9]\d*)"\s*:|"__proto__"|\\u00[357]/;
const INDEX = /^(?:0|[1-9]\d*)$/;
const NUMBER = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
const SPACE = /[ \t\n\r]*/y;
const WORDS = new Map<string, boolean | null>([
  ["true", true],
  ["false", false],
  ["null", null],
]);

/**
 * Read JSON text. Numbers that JavaScript would change become a `JsonNumber`,
 * objects whose keys it would reorder a `JsonObject`; all else is plain.
 *
 *     readJson('{"a": 1.0, "b": 2}')   // {a: JsonNumber("1.0"), b: 2}
 *
 * Throws a `ValueError` for what is no JSON.
 */
export function readJson(text: string): unknown {
  try {
    return LOST.test(text) ? new Reader(text).whole() : JSON.parse(text);
  } catch (error) {
    const what = error instanceof RangeError ? "nested too deeply" : error;
    throw new ValueError("JSON", what instanceof Error ? what.message : `${what}`);
  }
}

class Reader {
  private at = 0;

  constructor(private readonly text: string) {}

  whole(): unknown {
    const value = this.value();
    this.space();
    if (this.at < this.text.length) throw this.unexpected();
    return value;
  }

  private value(): unknown {
    this.space();
    const first = this.text[this.at];
    if (first === "{") return this.object();
    if (first === "[") return this.list();
    if (first === '"') return this.string();
    if (first === "-" || (first !== undefined && first >= "0" && first <= "9")) {
      return this.number();
    }
    for (const [word, value] of WORDS) {
      if (this.text.startsWith(word, this.at)) {
        this.at += word.length;
        return value;
      }
    }
    throw this.unexpected();
  }

  private object(): unknown {
    const entries: [string, unknown][] = [];
    let reordered = false;
    this.at++;
    if (!this.takes("}")) {
      do {
        this.space();
        const key = this.string();
        reordered ||= INDEX.test(key) || key === "__proto__";
        if (!this.takes(":")) throw this.unexpected();
        entries.push([key, this.value()]);
      } while (this.takes(","));
      if (!this.takes("}")) throw this.unexpected();
    }
    return reordered ? new JsonObject(entries) : Object.fromEntries(entries);
  }

  private list(): unknown[] {
    const values: unknown[] = [];
    this.at++;
    if (this.takes("]")) return values;
    do values.push(this.value());
    while (this.takes(","));
    if (!this.takes("]")) throw this.unexpected();
    return values;
  }

  private string(): string {
    const start = this.at;
    if (this.text[start] !== '"') throw this.unexpected();
    let end = start;
    let slashes = 0;
    do {
      end = this.text.indexOf('"', end + 1);
      if (end < 0) throw new SyntaxError(`a string without end at ${start}`);
      for (slashes = 0; this.text[end - 1 - slashes] === "\\";) slashes++;
    } while (slashes % 2 === 1);
    this.at = end + 1;
    return JSON.parse(this.text.slice(start, this.at)) as string;
  }

  private number(): number | JsonNumber {
    NUMBER.lastIndex = this.at;
    const found = NUMBER.exec(this.text);
    if (found === null) throw this.unexpected();
    const [source] = found;
    this.at = NUMBER.lastIndex;
    const value = Number(source);
    return String(value) === source ? value : new JsonNumber(source);
  }

  private takes(mark: string): boolean {
    this.space();
    if (this.text[this.at] !== mark) return false;
    this.at++;
    return true;
  }

  private space(): void {
    SPACE.lastIndex = this.at;
    SPACE.exec(this.text);
    this.at = SPACE.lastIndex;
  }

  private unexpected(): SyntaxError {
    const found = this.text[this.at];
    const what = found === undefined ? "end" : JSON.stringify(found);
    return new SyntaxError(`unexpected ${what} at ${this.at}`);
  }
}

/** Tell whether a value is an object in JSON, and what is in it. */
export function entriesOf(value: unknown): [string, unknown][] | null {
  if (value instanceof Map) return [...(value as Map<string, unknown>)];
  if (!isPlain(value)) return null;
  return Object.entries(value).filter(([, item]) => item !== undefined);
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof JsonNumber)
  );
}

/** Tell whether a value is a number in JSON; return its text there, or null. */
export function numberSource(value: unknown): string | null {
  if (value instanceof JsonNumber) {
    const { source } = value;
    return isInteger(source) || Number.isFinite(Number(source)) ? source : null;
  }
  if (typeof value === "bigint") return String(value);
  if (typeof value !== "number" || !Number.isFinite(value)) return null;
  return value === 0 ? "0" : String(value);
}

/** Tell whether the text of a number is that of an integer. */
export function isInteger(source: string): boolean {
  return /^-?\d+$/.test(source);
}

/**
 * Write a double as Python does: the shortest digits that read back, with an
 * exponent below 1e-4 and from 1e16 on.
 */
export function floatText(value: number): string {
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  const [mantissa, power] = Math.abs(value).toExponential().split("e");
  const digits = mantissa!.replace(".", "");
  const exponent = Number(power);
  if (exponent < -4 || exponent >= 16) {
    const rest = digits.length > 1 ? `.${digits.slice(1)}` : "";
    const size = String(Math.abs(exponent)).padStart(2, "0");
    return `${sign}${digits[0]}${rest}e${exponent < 0 ? "-" : "+"}${size}`;
  }
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, "0");
  return `${sign}${whole}.${digits.slice(exponent + 1) || "0"}`;
}

/**
 * Write a JSON value as Python's `json.dumps(value, ensure_ascii=False)` does,
 * or null for what is no JSON. `comma` and `colon` stand between.
 */
export function jsonText(value: unknown, comma = ",", colon = ":"): string {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "string") return JSON.stringify(wellFormed(value));
  const source = numberSource(value);
  if (source !== null) {
    return isInteger(source) ? String(BigInt(source)) : floatText(Number(source));
  }
  if (Array.isArray(value)) {
    return `[${value.map((item) => jsonText(item, comma, colon)).join(comma)}]`;
  }
  const entries = entriesOf(value);
  if (entries === null) throw new ValueError("JSON", `${shown(value)} is no JSON`);
  const parts = entries.map(
    ([key, item]) =>
      JSON.stringify(wellFormed(key)) + colon + jsonText(item, comma, colon),
  );
  return `{${parts.join(comma)}}`;
}

/** Text with U+FFFD in place of each lone surrogate. */
export function wellFormed(text: string): string {
  const known = text as string & { toWellFormed?: () => string };
  if (known.toWellFormed) return known.toWellFormed();
  return text.replace(
    /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g,
    "\ufffd",
  );
}

const LONGEST_SHOWN = 60;

/** A value for a complaint, cut short: any value, however long or deep. */
export function shown(value: unknown): string {
  let text: string | undefined;
  try {
    text = value instanceof JsonNumber ? value.source : JSON.stringify(value);
  } catch {
    text = undefined;
  }
  text ??= String(value);
  return text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text;
}
