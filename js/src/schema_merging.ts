/**
 * Keywords of several schemas that a value has to meet, as the keywords of one: the
 * same as harmony/schema_merging.py.
 */
import { JsonNumber } from "./json.js";
import { type Json, type Schema, strings } from "./typescript.js";

const LOWER = new Set([
  ...["minimum", "exclusiveMinimum", "minLength", "minItems", "minContains"],
  "minProperties",
]);
const UPPER = new Set([
  ...["maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxContains"],
  "maxProperties",
]);
const ANNOTATIONS = new Set([
  ...["title", "default", "examples", "nullable"],
  ...["deprecated", "readOnly", "writeOnly"],
]);

/** Keywords merged from several schemas, and what could not be merged. */
export class Merged extends Map<string, Json> {
  /** References that lead out of the whole schema. */
  readonly lost: string[] = [];
  /** Types that it also is, by name. */
  readonly named: string[] = [];
  /** Schemas that it also is. */
  readonly others: Schema[] = [];

  static of(keywords: Schema): Merged {
    const merged = new Merged(keywords);
    if (keywords instanceof Merged) merged.takeRest(keywords);
    return merged;
  }

  /** Merge the keywords of another schema that it also is. */
  take(part: Schema): void {
    if (part instanceof Merged) this.takeRest(part);
    const rest: Schema = new Map();
    for (const [key, value] of part) {
      const known = this.get(key);
      if (known === undefined) this.set(key, value);
      else if (!same(known, value) && !ANNOTATIONS.has(key)) {
        const both = bothOf(key, known, value);
        if (both === null) rest.set(key, value);
        else this.set(key, both);
      }
    }
    if (rest.size) this.others.push(rest);
  }

  /** Take what could not be merged of another. */
  private takeRest({ lost, named, others }: Merged): void {
    for (const one of lost) this.lost.push(one);
    for (const one of named) this.named.push(one);
    for (const one of others) this.others.push(one);
  }
}

/** A value of a keyword that says what two values say; null if none does. */
function bothOf(key: string, first: Json, second: Json): Json {
  const isLower = LOWER.has(key);
  if (isLower || UPPER.has(key)) {
    if (!(first instanceof JsonNumber && second instanceof JsonNumber)) return null;
    const isMore = Number(second) > Number(first);
    const isLess = Number(second) < Number(first);
    return (isLower ? isMore : isLess) ? second : first;
  }
  return MERGERS.get(key)?.(first, second) ?? null;
}

function bothSchemas(first: Json, second: Json): Json {
  if (first === false || second === false) return false;
  return new Map([["allOf", [first, second]]]);
}

function bothTables(first: Json, second: Json): Json {
  if (!(first instanceof Map) || !(second instanceof Map)) return null;
  const both = new Map([...first, ...second]);
  for (const [key, value] of first) {
    const other = second.get(key);
    if (other === undefined) continue;
    both.set(key, same(value, other) ? value : bothSchemas(value, other));
  }
  return both;
}

function bothLists(first: Json, second: Json): Json {
  if (!Array.isArray(first) || !Array.isArray(second)) return null;
  return [...first, ...second.filter((item) => !isIn(item, first))];
}

function bothTexts(first: Json, second: Json): Json {
  const both = typeof first === "string" && typeof second === "string";
  return both ? `${first}\n${second}` : first;
}

/** The types that are in both; a number may be an integer. */
function bothKinds(first: Json, second: Json): Json {
  const [mine, yours] = [first, second].map((kind) =>
    typeof kind === "string" ? [kind] : kind,
  );
  if (!Array.isArray(mine) || !Array.isArray(yours)) return null;
  const known = new Set(strings(yours));
  if (known.has("number")) known.add("integer");
  const both = strings(mine).filter((kind) => known.has(kind));
  if (mine.includes("number") && yours.includes("integer")) both.push("integer");
  if (both.length === 1) return both[0]!;
  return both.length ? both : null;
}

function bothValues(first: Json, second: Json): Json {
  if (!Array.isArray(first) || !Array.isArray(second)) return null;
  return first.filter((value) => isIn(value, second));
}

const MERGERS = new Map<string, (first: Json, second: Json) => Json>([
  ["properties", bothTables],
  ["patternProperties", bothTables],
  ["required", bothLists],
  ["description", bothTexts],
  ["type", bothKinds],
  ["enum", bothValues],
  ["items", bothSchemas],
  ["additionalProperties", bothSchemas],
]);

/** Whether two JSON values are equal as Python has it, where true is 1. */
export function same(first: Json, second: Json): boolean {
  if (isNumeric(first) && isNumeric(second)) return Number(first) === Number(second);
  if (Array.isArray(first) && Array.isArray(second)) {
    return (
      first.length === second.length &&
      first.every((item, at) => same(item, second[at]!))
    );
  }
  if (first instanceof Map && second instanceof Map) {
    if (first.size !== second.size) return false;
    return [...first].every(
      ([key, item]) => second.has(key) && same(item, second.get(key)!),
    );
  }
  return first === second;
}

function isNumeric(value: Json): boolean {
  return typeof value === "boolean" || value instanceof JsonNumber;
}

export function isIn(value: Json, values: Json[]): boolean {
  return values.some((other) => same(value, other));
}
