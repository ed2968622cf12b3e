/**
 * A JSON schema as a TypeScript type that says all that the schema says: the same
 * as harmony/complete_typescript.py, which explains the rules, on the same goldens.
 */
import { ValueError } from "./errors.js";
import { isInteger, JsonNumber } from "./json.js";
import { isIn, Merged, same } from "./schema_merging.js";
import {
  listed,
  referenceOf,
  References,
  TOGETHER,
  unquoted,
} from "./schema_references.js";
import {
  IN_VARIANT,
  type Json,
  jsonLiteral,
  NESTED,
  received,
  type Schema,
  SIMPLE_TYPES,
  strings,
} from "./typescript.js";

/** Keywords that are said in words. */
const FACTS = new Set([
  ...["format", "pattern", "minimum", "maximum", "exclusiveMinimum"],
  ...["exclusiveMaximum", "multipleOf", "minLength", "maxLength", "minItems"],
  ...["maxItems", "uniqueItems", "contains", "minContains", "maxContains"],
  ...["minProperties", "maxProperties", "propertyNames", "dependentRequired"],
  ...["dependentSchemas", "dependencies", "not", "if", "then", "else"],
  ...["contentEncoding", "contentMediaType", "contentSchema"],
  ...["deprecated", "readOnly", "writeOnly"],
]);
const OBJECT = ["properties", "required", "additionalProperties", "patternProperties"];
const ARRAY = ["items", "prefixItems"];
const SHAPE = [...OBJECT, ...ARRAY];
const STRUCTURE = [...SHAPE, "enum", "const"];
const REFERRING = ["$ref", "allOf", "anyOf"];
const PLAIN = new Set(["type", "description", "default"]);
const NOTHING: Schema = new Map([["not", new Map<string, Json>()]]);
const RESERVED = new RegExp(
  "^(?:any|unknown|never|number|bigint|boolean|string|symbol|void|object|undefined|null|" +
    "true|false|break|case|catch|class|const|continue|debugger|default|delete|do|else|" +
    "enum|export|extends|finally|for|function|if|import|in|instanceof|new|return|super|" +
    "switch|this|throw|try|typeof|var|while|with|implements|interface|let|package|" +
    "private|protected|public|static|yield|await|Array)$",
);
const LINE_END = /\r\n|[\n\r\u2028\u2029]/;
const UNSAFE = /[\\\x00-\x1f\u2028\u2029]/;

/** A type as text, and what is still to be said about it. */
interface Type {
  text: string;
  facts: string[];
  /** What joins its parts, "|" or "&"; "" if it is one. */
  joint: string;
  hasNull: boolean;
  /** Each part begins a line, the first one too. */
  lines: boolean;
  /** It ends within a comment. */
  open: boolean;
}

function type(text: string, rest: Partial<Type> = {}): Type {
  return {
    text,
    facts: [],
    joint: "",
    hasNull: false,
    lines: false,
    open: false,
    ...rest,
  };
}

const ANY = type("any");
const NEVER = type("never");
const TYPES = new Map([
  ...Object.entries(SIMPLE_TYPES).map(([kind, text]) => [kind, type(text)] as const),
  ["string", type("string")],
  ["null", type("null", { hasNull: true })],
]);

/** Declarations, and the type which stands for PARAMETERS. */
export interface Written {
  /** Types that the text names, mostly none: `type Node = {…}`. */
  declarations: string[];
  text: string;
}

/**
 * As `typescript`, for `type NAME = (_: PARAMETERS) =>`. `name`: the function's.
 * `taken`: the names in the namespace; those of the declarations are added.
 */
export function completeTypescript(
  schema: unknown,
  name = "parameters",
  taken = new Set<string>(),
): Written {
  try {
    const root = received(schema);
    const writer = new Writer(root, name, taken);
    const text = writer.parameters();
    return { declarations: writer.declarations, text };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new ValueError("schema", "nested too deeply");
  }
}

/** Put many at the end of a list; a call takes but some 100,000 arguments. */
function append<T>(list: T[], more: readonly T[]): void {
  for (const item of more) list.push(item);
}

function hasAny(schema: Schema, keys: readonly string[]): boolean {
  return keys.some((key) => schema.has(key));
}

function isPlainSchema(schema: Schema): boolean {
  for (const key of schema.keys()) if (!PLAIN.has(key)) return false;
  return true;
}

/** Writes the types of one schema and what it refers to. */
class Writer {
  readonly declarations: string[] = [];
  private graph: References | null = null;
  private readonly names = new Map<string, string>();
  private within = "#"; // the named type that is being written
  private guarded = false; // whether an object or array is around us in it

  constructor(
    private readonly root: Json,
    private readonly name: string,
    private readonly taken: Set<string>,
  ) {}

  /** The type of the whole schema. */
  parameters(): string {
    const text = this.placeless(this.expanded(this.root));
    return this.names.get("#") ?? text; // it has a name if it is within itself
  }

  /** A type that may begin with comments of its own. */
  private placeless(schema: Schema): string {
    const kind = this.type(schema, "");
    const lines: string[] = [];
    if (!isObject(schema)) append(lines, comment(schema.get("description"), ""));
    append(lines, examples(schema, ""));
    append(lines, factsLine(kind.facts, ""));
    if (schema.has("default")) lines.push(`// default: ${defaultOf(schema)}\n`);
    return [...lines, kind.text, kind.open ? "\n" : ""].join("");
  }

  // References

  private get references(): References {
    return (this.graph ??= new References(this.root));
  }

  /** The name of a type that has one; it is declared the first time. */
  private declared(reference: string): string {
    const known = this.names.get(reference);
    if (known !== undefined) return known;
    const name = this.freeName(reference);
    this.names.set(reference, name);
    const { within, guarded } = this;
    this.within = reference;
    this.guarded = false;
    const place = this.declarations.push("") - 1;
    const text = this.placeless(this.expanded(this.references.target(reference)));
    const space = text.startsWith("//") ? "\n" : " ";
    this.declarations[place] = `type ${name} =${space}${text};\n`;
    this.within = within;
    this.guarded = guarded;
    return name;
  }

  private freeName(reference: string): string {
    const last = unquoted(reference.slice(reference.lastIndexOf("/") + 1));
    const wanted = last === "#" ? `${this.name}_type` : last;
    let wish = wanted.replace(/[^A-Za-z0-9_]/gu, "_");
    if (!wish || /^[0-9]/.test(wish)) wish = `_${wish}`;
    let name = wish;
    for (let number = 2; this.taken.has(name) || RESERVED.test(name); number++) {
      name = `${wish}_${number}`;
    }
    this.taken.add(name);
    return name;
  }

  // Keywords

  /** The keywords of a schema, with those that it refers to merged in. */
  private expanded(schema: Json | undefined): Schema {
    if (!(schema instanceof Map)) return schema === false ? NOTHING : new Map();
    if (schema instanceof Merged || !hasAny(schema, REFERRING)) return schema;
    const optional = optionalOf(schema.get("anyOf"));
    if (optional instanceof Map && !hasAny(optional, REFERRING)) {
      const rest = without(schema, ["anyOf"]);
      if (!hasAny(rest, REFERRING) && !hasAny(rest, [...optional.keys()])) {
        return new Map([...rest, ...optional, ["nullable", true]]);
      }
    }
    const merged = Merged.of(without(schema, ["$ref", "allOf"]));
    const reference = referenceOf(schema);
    if (reference) this.refer(merged, reference);
    for (const part of listed(schema.get("allOf"))) merged.take(this.expanded(part));
    if (optional !== undefined && optional !== null) {
      merged.delete("anyOf");
      merged.take(this.expanded(optional));
      merged.set("nullable", true);
    }
    return merged;
  }

  private refer(merged: Merged, reference: string): void {
    const graph = this.references;
    const target = graph.target(reference);
    if (target === undefined || target === null) merged.lost.push(reference);
    else if (!graph.hasName(reference)) merged.take(this.expanded(target));
    else if (this.guarded || !graph.isBareCircle(this.within, reference)) {
      merged.named.push(this.declared(reference));
    }
  }

  // Types

  /** The type of expanded keywords, indented but for its first line. */
  private type(schema: Schema, indent: string): Type {
    const word = schema.get("type");
    if (typeof word === "string" && TYPES.has(word) && isPlainSchema(schema)) {
      return TYPES.get(word)!;
    }
    if (schema === NOTHING) return NEVER;
    let kind = this.ownType(schema, indent);
    if (schema.has("oneOf") || schema.has("anyOf") || schema instanceof Merged) {
      kind = this.joinedType(schema, kind, indent);
    }
    const facts = factsOf(schema);
    if (facts.length) kind = { ...kind, facts: [...facts, ...kind.facts] };
    return schema.get("nullable") === true ? nullable(kind, indent) : kind;
  }

  /** What a schema is without regard to other schemas. */
  private ownType(schema: Schema, indent: string): Type {
    if (hasAny(schema, ["enum", "const"])) {
      const found = literals(schema);
      if (found !== null) return found;
    }
    const kind = schema.get("type");
    if (typeof kind === "string") return this.ofKind(kind, schema, indent);
    if (Array.isArray(kind)) {
      const kinds = strings(kind).map((word) =>
        asInAList(this.ofKind(word, schema, indent), word, schema),
      );
      return union(kinds);
    }
    const kinds: Type[] = [];
    if (hasAny(schema, OBJECT)) kinds.push(this.object(schema, indent));
    if (hasAny(schema, ARRAY)) kinds.push(this.array(schema, indent));
    return union(kinds);
  }

  private ofKind(kind: string, schema: Schema, indent: string): Type {
    if (kind === "object") return this.object(schema, indent);
    if (kind === "array") return this.array(schema, indent);
    return TYPES.get(kind) ?? ANY;
  }

  /** What a schema is together with its variants and other schemas. */
  private joinedType(schema: Schema, kind: Type, indent: string): Type {
    const kinds: Type[] = [];
    for (const key of ["oneOf", "anyOf"]) {
      const variants = listed(schema.get(key));
      if (variants.length) kinds.push(this.variants(variants, schema, indent, false));
    }
    if (schema instanceof Merged) {
      for (const name of schema.named) kinds.push(type(name));
      for (const other of schema.others) kinds.push(this.type(other, indent));
    }
    // Variants have the type of the whole schema, which need not be said again.
    if (hasAny(schema, STRUCTURE) || kinds.every(({ text }) => text === "any")) {
      kinds.unshift(kind);
    }
    return intersection(kinds, indent);
  }

  /** A union with a line for each variant, and its comment behind it. */
  private variants(
    variants: Json[],
    schema: Schema,
    indent: string,
    inProperty: boolean,
  ): Type {
    const parts: string[] = [];
    let open = false;
    let hasNull = false;
    for (const item of variants) {
      let variant = this.expanded(item);
      if (schema.has("type") && variant !== NOTHING) {
        variant = ofType(variant, schema.get("type")!);
      }
      const kind = this.type(variant, indent + IN_VARIANT);
      const comments = variantComments(variant, kind.facts, schema, inProperty);
      const behind = comments.join(`\n${indent}${IN_VARIANT}// `);
      const text = kind.lines ? bracketed(kind, indent) : kind.text;
      parts.push(`\n${indent} | ${text}`);
      if (behind) parts.push(` // ${behind}`);
      open = behind !== "";
      hasNull ||= kind.hasNull;
    }
    return type(parts.join(""), { joint: "|", hasNull, lines: true, open });
  }

  private object(schema: Schema, indent: string): Type {
    const { guarded } = this;
    this.guarded = true;
    const lines = [...comment(schema.get("description"), indent), "{\n"];
    const given = schema.get("properties");
    const properties: Schema = given instanceof Map ? given : new Map();
    const required = new Set(strings(schema.get("required")));
    const texts: string[] = [];
    for (const [name, value] of properties) {
      const label = labelOf(name) + (required.has(name) ? "" : "?");
      append(lines, this.property(label, this.expanded(value), indent, texts));
    }
    for (const name of required) {
      if (properties.has(name)) continue;
      lines.push(`${indent}${labelOf(name)}: any,\n`);
      texts.push("any");
    }
    if (hasAny(schema, ["patternProperties", "additionalProperties"])) {
      append(lines, this.otherKeys(schema, indent, texts));
    }
    lines.push(`${indent}}`);
    this.guarded = guarded;
    return type(lines.join(""));
  }

  /** An index signature for the keys that are not named, if they are any. */
  private otherKeys(schema: Schema, indent: string, texts: string[]): string[] {
    const lines: string[] = [];
    const kinds: Type[] = [];
    const patterns = schema.get("patternProperties");
    if (patterns instanceof Map) {
      for (const [pattern, value] of patterns) {
        lines.push(...factsLine([`keys match ${worded(pattern)}`], indent));
        kinds.push(this.type(this.expanded(value), indent + NESTED));
      }
    }
    const others = schema.get("additionalProperties") ?? false;
    if (others !== false) kinds.push(this.type(this.expanded(others), indent + NESTED));
    if (!kinds.length) return [];
    const kind = union(kinds);
    let text = closed(kind, indent);
    // TypeScript wants the named ones to be of the type behind the signature.
    if (text !== "any" && texts.some((known) => known !== text)) {
      text = `${one(kind, indent)} | any`;
    }
    const signature = `${indent}[key: string]: ${text},\n`;
    return [...lines, ...factsLine(kind.facts, indent), signature];
  }

  private array(schema: Schema, indent: string): Type {
    const { guarded } = this;
    this.guarded = true;
    const items = schema.get("items");
    const prefix = schema.has("prefixItems") ? schema.get("prefixItems") : items;
    let kind: Type;
    if (Array.isArray(prefix)) kind = this.tuple(prefix, schema, indent);
    else if (!schema.has("items")) kind = type("Array<any>");
    else {
      const item = this.item(items, "items", indent);
      const brackets = item.joint !== "" || item.open;
      const text = brackets ? bracketed(item, indent) : item.text;
      kind = type(`${text}[]`, { facts: item.facts });
    }
    this.guarded = guarded;
    return kind;
  }

  /** The type of an item; what has no room beside it is its facts. */
  private item(item: Json | undefined, where: string, indent: string): Type {
    const schema = this.expanded(item);
    const kind = this.type(schema, indent);
    const facts: string[] = [];
    if (!isObject(schema)) {
      append(facts, commentLines(schema.get("description")).filter(Boolean));
    }
    append(facts, kind.facts);
    if (schema.has("examples")) {
      facts.push(`examples: ${jsonLiteral(schema.get("examples")!)}`);
    }
    if (schema.has("default")) facts.push(`default: ${defaultOf(schema)}`);
    if (!facts.length) return kind;
    return { ...kind, facts: facts.map((fact) => `${where}: ${fact}`) };
  }

  private tuple(prefix: Json[], schema: Schema, indent: string): Type {
    const least = integerOf(schema.get("minItems")) ?? 0;
    const kinds = prefix.map((item, index) => this.item(item, `item ${index}`, indent));
    const texts = kinds.map((kind, index) =>
      index < least ? closed(kind, indent) : `${one(kind, indent)}?`,
    );
    const draft = schema.has("prefixItems") ? "items" : "additionalItems";
    const rest = schema.has(draft) ? schema.get(draft) : true;
    const most = integerOf(schema.get("maxItems"));
    if (rest !== false && !(most !== null && most <= prefix.length)) {
      const others = this.item(rest, "other items", indent);
      kinds.push(others);
      texts.push(`...${one(others, indent)}[]`);
    }
    return type(`[${texts.join(", ")}]`, {
      facts: kinds.flatMap(({ facts }) => facts),
    });
  }

  // Properties

  /** The lines of a property; its type is put into `texts`. */
  private property(
    label: string,
    schema: Schema,
    indent: string,
    texts: string[],
  ): string[] {
    const lines = title(schema, indent);
    const variants = onlyVariants(schema);
    if (variants !== null) {
      texts.push("");
      return [...lines, ...this.propertyOfVariants(label, schema, variants, indent)];
    }
    append(lines, comment(schema.get("description"), indent));
    append(lines, examples(schema, indent));
    const kind = this.type(schema, indent + NESTED);
    lines.push(...factsLine(kind.facts, indent));
    const text = closed(kind, indent);
    texts.push(label.endsWith("?") ? `${text} | undefined` : text);
    const behind = schema.has("default") ? ` // default: ${defaultOf(schema)}` : "";
    lines.push(`${indent}${label}: ${text},${behind}\n`);
    return lines;
  }

  private propertyOfVariants(
    label: string,
    schema: Schema,
    variants: Json[],
    indent: string,
  ): string[] {
    const lines = [
      ...examples(schema, indent),
      ...comment(schema.get("description"), indent),
      ...factsLine(factsOf(schema), indent),
    ];
    if (schema.has("default")) {
      lines.push(`${indent}// default: ${defaultOf(schema)}\n`);
    }
    let kind = this.variants(variants, schema, indent, true);
    if (schema.get("nullable") === true) kind = nullable(kind, indent);
    lines.push(`${indent}${label}:${kind.text}\n${indent},\n`);
    return lines;
  }
}

// Keywords

function without(schema: Schema, keys: string[]): Schema {
  return new Map([...schema].filter(([key]) => !keys.includes(key)));
}

const NULL_SCHEMA: Schema = new Map([["type", "null"]]);

/** The one schema that is not null in `anyOf: [SCHEMA, null]`. */
function optionalOf(variants: Json | undefined): Json | undefined {
  if (!Array.isArray(variants) || variants.length !== 2) return undefined;
  const [first, second] = variants.map((item) => same(item, NULL_SCHEMA));
  return first === second ? undefined : variants[second ? 0 : 1];
}

/** A variant of a schema that has a type, which is then its own. */
function ofType(variant: Schema, kind: Json): Schema {
  if (variant.has("type") || hasAny(variant, TOGETHER)) return variant;
  const isNamed = variant instanceof Merged && variant.named.length > 0;
  if (isNamed && !hasAny(variant, SHAPE)) return variant;
  const merged = Merged.of(variant);
  merged.set("type", kind);
  return merged;
}

/** An integer in JSON as a number; null for what is none. */
function integerOf(value: Json | undefined): number | null {
  if (typeof value === "boolean") return Number(value);
  return value instanceof JsonNumber && isInteger(value.source) ? Number(value) : null;
}

// Types as text

/** The union of types, all on one line; that of none is `any`. */
function union(kinds: Type[]): Type {
  if (kinds.length === 1) return kinds[0]!;
  if (!kinds.length) return ANY;
  return type(kinds.map(({ text }) => text).join(" | "), {
    facts: kinds.flatMap(({ facts }) => facts),
    joint: "|",
    hasNull: kinds.some((kind) => kind.hasNull),
  });
}

/** What is all of some types; what any of them is says nothing. */
function intersection(kinds: Type[], indent: string): Type {
  const facts = kinds.flatMap((kind) => kind.facts);
  const said = kinds.filter(({ text }) => text !== "any");
  if (said.length === 1) return { ...said[0]!, facts };
  if (!said.length) return { ...ANY, facts };
  const texts = said.map((kind) =>
    kind.joint === "|" ? bracketed(kind, indent) : kind.text,
  );
  const hasNull = said.every((kind) => kind.hasNull);
  return type(texts.join(" & "), { facts, joint: "&", hasNull });
}

function nullable(kind: Type, indent: string): Type {
  if (kind.hasNull) return kind;
  const between = kind.lines ? `\n${indent}` : "";
  const { facts, lines } = kind;
  return type(`${kind.text}${between} | null`, {
    facts,
    joint: "|",
    hasNull: true,
    lines,
  });
}

/** The text of a type that stands among others. */
function one(kind: Type, indent: string): string {
  if (kind.joint === "&" || kind.lines) return bracketed(kind, indent);
  return kind.joint ? `(${kind.text})` : kind.text;
}

function bracketed(kind: Type, indent: string): string {
  return kind.lines ? `(${kind.text}\n${indent})` : `(${kind.text})`;
}

/** The text of a type behind which more may stand on the same line. */
function closed(kind: Type, indent: string): string {
  return kind.open ? `${kind.text}\n${indent}` : kind.text;
}

/** The values of `enum` or `const`, those that are of the type. */
function literals(schema: Schema): Type | null {
  const listedValues = schema.get("enum");
  let values = schema.has("const") ? [schema.get("const")!] : listedValues;
  if (!Array.isArray(values)) return null;
  if (schema.has("const") && Array.isArray(listedValues)) {
    values = values.filter((value) => isIn(value, listedValues));
  }
  const kinds = schema.get("type");
  if (kinds === "string") values = strings(values);
  else if ((typeof kinds === "string" || Array.isArray(kinds)) && kinds.length) {
    const words = typeof kinds === "string" ? [kinds] : kinds;
    values = values.filter((value) => isOneOf(value, words));
  }
  const text = values.map(jsonLiteral).join(" | ") || "never";
  const joint = values.length > 1 ? "|" : "";
  return type(text, { joint, hasNull: values.includes(null) });
}

function isOneOf(value: Json, kinds: Json[]): boolean {
  if (value === null) return kinds.includes("null");
  if (value instanceof JsonNumber) {
    return kinds.includes("number") || kinds.includes("integer");
  }
  if (Array.isArray(value)) return kinds.includes("array");
  return kinds.includes(value instanceof Map ? "object" : typeof value);
}

/** A type of a `type` that is a list: there, an object may be a word. */
function asInAList(kind: Type, word: string, schema: Schema): Type {
  return word === "object" && !hasAny(schema, OBJECT)
    ? { ...kind, text: "object" }
    : kind;
}

/** The variants of a schema which is nothing but one of them. */
function onlyVariants(schema: Schema): Json[] | null {
  for (const [key, other] of [
    ["oneOf", "anyOf"],
    ["anyOf", "oneOf"],
  ] as const) {
    const variants = listed(schema.get(key));
    if (!variants.length) continue;
    const isMore =
      schema instanceof Merged && schema.named.length + schema.others.length;
    if (isMore) return null;
    return !schema.has(other) && !hasAny(schema, STRUCTURE) ? variants : null;
  }
  return null;
}

/** Whether a schema's description stands before its brace. */
function isObject(schema: Schema): boolean {
  const kind = schema.get("type") ?? null;
  if (hasAny(schema, ["enum", "const"])) return false;
  if (kind === null) return hasAny(schema, OBJECT);
  if (Array.isArray(kind)) return kind.includes("object") && hasAny(schema, OBJECT);
  return kind === "object";
}

/** A key, in quotes if it is no identifier. */
function labelOf(name: string): string {
  const isName = /^[\p{XID_Start}_$][\p{XID_Continue}$]*$/u.test(name);
  return isName || /^(?:0|[1-9][0-9]{0,14})$/.test(name) ? name : jsonLiteral(name);
}

// Comments

/** The lines of a text, as TypeScript ends lines; none of what is no text. */
export function commentLines(text: Json | undefined): string[] {
  if (typeof text !== "string") return [];
  const lines = text.split(LINE_END);
  return lines.at(-1) || lines.length === 1 ? lines : lines.slice(0, -1);
}

function comment(text: Json | undefined, indent: string): string[] {
  return commentLines(text).map((line) => `${indent}// ${line}\n`);
}

function title(schema: Schema, indent: string): string[] {
  const lines = comment(schema.get("title"), indent);
  return lines.length ? [...lines, `${indent}//\n`] : [];
}

function examples(schema: Schema, indent: string): string[] {
  const found = listed(schema.get("examples"));
  if (!found.length) return [];
  const items = found.map((item) => `${indent}// - ${quoted(item)}\n`);
  return [`${indent}// Examples:\n`, ...items];
}

/** What TypeScript has no type for, in words. */
function factsOf(schema: Schema): string[] {
  const lost = schema instanceof Merged ? schema.lost : [];
  const facts = lost.map((reference) => `$ref: ${worded(reference)}`);
  for (const [key, value] of schema) {
    if (FACTS.has(key) && value !== false) facts.push(`${key}: ${worded(value)}`);
  }
  return facts;
}

function worded(value: Json): string {
  return typeof value === "string" && /^[\w.+/-]+$/.test(value)
    ? value
    : jsonLiteral(value);
}

/** A value for a comment; a string is escaped only where it has to be. */
function quoted(value: Json): string {
  return typeof value === "string" && !UNSAFE.test(value)
    ? `"${value}"`
    : jsonLiteral(value);
}

function factsLine(facts: string[], indent: string): string[] {
  return facts.length ? [`${indent}// ${facts.join(", ")}\n`] : [];
}

/** The lines of the comment behind a variant of a schema. */
function variantComments(
  variant: Schema,
  facts: string[],
  schema: Schema,
  inProperty: boolean,
): string[] {
  const description = variant.get("description") ?? null;
  const hidden = inProperty && same(description, schema.get("description") ?? null);
  const lines = hidden ? [] : commentLines(description);
  const words = [...lines.slice(-1), ...(facts.length ? [facts.join(", ")] : [])];
  if (variant.has("examples")) {
    words.push(`examples: ${jsonLiteral(variant.get("examples")!)}`);
  }
  if (variant.has("default")) words.push(`default: ${defaultOf(variant, inProperty)}`);
  return words.length ? [...lines.slice(0, -1), words.join(" ")] : lines;
}

/** A default as text; beside an `enum` a property's has no quotes. */
function defaultOf(schema: Schema, inProperty = true): string {
  const value = schema.get("default")!;
  if (typeof value === "string" && listed(schema.get("enum")).length) {
    return inProperty && !UNSAFE.test(value) ? value : jsonLiteral(value);
  }
  return quoted(value);
}
