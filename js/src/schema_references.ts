/**
 * What a JSON schema refers to within itself, and what of it needs a name: the
 * same as harmony/schema_references.py.
 */
import type { Json, Schema } from "./typescript.js";

/** Values in a schema that stands in several places without a name of its own. */
const LONGEST_COPY = 256;

/** Keywords whose schemas are about the same value as the one they stand in. */
export const TOGETHER = ["allOf", "anyOf", "oneOf"];
const INDEX = /^[0-9]{1,15}$/;
const GUARDED_LISTS = [
  "items",
  "prefixItems",
  "additionalProperties",
  "additionalItems",
];

interface Use {
  to: string;
  /** Whether an object or array is around it. */
  guarded: boolean;
}

/** What a schema refers to; a reference is a text such as `#/$defs/Node`. */
export class References {
  private readonly targets = new Map<string, Json | undefined>();
  private readonly sizes = new Map<string, number>();
  private readonly known = new Map<string, Use[]>();
  private readonly named = new Set<string>();
  private readonly reach = new Map<string, Set<string>>();

  constructor(private readonly root: Json) {
    this.learn();
  }

  /** The schema that is referred to; undefined if it is not to be found. */
  target(reference: string): Json | undefined {
    if (!this.targets.has(reference)) {
      this.targets.set(reference, pointedAt(this.root, reference));
    }
    return this.targets.get(reference);
  }

  /** Whether what is referred to becomes a type with a name. */
  hasName(reference: string): boolean {
    return this.named.has(reference);
  }

  /** Whether a type would be itself, with no object or array between. */
  isBareCircle(within: string, reference: string): boolean {
    return within === reference || this.reached(reference, true).has(within);
  }

  /** Follow all references; decide which get a name. */
  private learn(): void {
    const waiting = ["#"];
    while (waiting.length) {
      const reference = waiting.pop()!;
      if (this.known.has(reference)) continue;
      const found = [...usesIn(this.target(reference), false)];
      const uses = found.filter(({ to }) => to);
      this.known.set(reference, uses);
      this.sizes.set(reference, found.length);
      for (const { to } of uses) waiting.push(to);
    }
    const uses = new Map<string, number>();
    for (const found of this.known.values()) {
      for (const { to } of found) uses.set(to, (uses.get(to) ?? 0) + 1);
    }
    for (const to of uses.keys()) {
      if (this.reached(to, false).has(to)) this.named.add(to);
    }
    const copied = new Map<string, number>();
    for (const reference of this.known.keys()) this.size(reference, uses, copied);
  }

  /** How many values stand in place of a reference. */
  private size(
    reference: string,
    uses: Map<string, number>,
    sizes: Map<string, number>,
  ): number {
    if (this.named.has(reference)) return 1;
    let size = sizes.get(reference);
    if (size === undefined) {
      size = this.sizes.get(reference)!;
      for (const { to } of this.known.get(reference)!) {
        size += this.size(to, uses, sizes);
      }
      if (size > LONGEST_COPY && (uses.get(reference) ?? 0) > 1) {
        this.named.add(reference);
        size = 1;
      }
      sizes.set(reference, size);
    }
    return size;
  }

  /** All that is referred to from there, at whatever distance. */
  private reached(reference: string, bare: boolean): Set<string> {
    const key = `${bare} ${reference}`;
    let reached = this.reach.get(key);
    if (reached === undefined) {
      reached = new Set();
      this.reach.set(key, reached);
      const waiting = [reference];
      while (waiting.length) {
        for (const { to, guarded } of this.known.get(waiting.pop()!) ?? []) {
          if (reached.has(to) || (bare && guarded)) continue;
          reached.add(to);
          waiting.push(to);
        }
      }
    }
    return reached;
  }
}

/** What each schema within a schema refers to, "" for nothing. */
function* usesIn(schema: Json | undefined, guarded: boolean): Generator<Use> {
  if (!(schema instanceof Map)) return;
  yield { to: referenceOf(schema), guarded };
  for (const key of TOGETHER) {
    for (const part of listed(schema.get(key))) yield* usesIn(part, guarded);
  }
  for (const key of GUARDED_LISTS) {
    const value = schema.get(key);
    const parts = listed(value);
    for (const part of parts.length ? parts : [value]) yield* usesIn(part, true);
  }
  for (const key of ["properties", "patternProperties"]) {
    const inner = schema.get(key);
    if (!(inner instanceof Map)) continue;
    for (const part of inner.values()) yield* usesIn(part, true);
  }
}

/** A list; what is none has nothing in it. */
export function listed(value: Json | undefined): Json[] {
  return Array.isArray(value) ? value : [];
}

/** What a schema refers to, or "" if it does not. */
export function referenceOf(schema: Schema): string {
  const reference = schema.get("$ref");
  return typeof reference === "string" ? reference || "#" : "";
}

/** What a JSON pointer such as `#/$defs/Node` points at, or undefined. */
function pointedAt(root: Json, given: string): Json | undefined {
  let reference = given;
  const id = root instanceof Map ? root.get("$id") : undefined;
  if (typeof id === "string") {
    const base = id.split("#")[0]!;
    if (reference.startsWith(base)) reference = reference.slice(base.length);
  }
  if (reference === "#") return root;
  if (!reference.startsWith("#/")) return undefined;
  let found: Json | undefined = root;
  for (const step of unquoted(reference.slice(2)).split("/")) {
    const key = step.replaceAll("~1", "/").replaceAll("~0", "~");
    if (found instanceof Map && found.has(key)) found = found.get(key);
    else if (Array.isArray(found) && INDEX.test(key) && Number(key) < found.length) {
      found = found[Number(key)];
    } else return undefined;
  }
  return found;
}

/** Text with `%41` and the like decoded; what is no UTF-8 becomes U+FFFD. */
export function unquoted(text: string): string {
  return text.replace(/(?:%[0-9a-fA-F]{2})+/g, (run) => {
    const bytes = run
      .slice(1)
      .split("%")
      .map((hex) => parseInt(hex, 16));
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(Uint8Array.from(bytes));
  });
}
