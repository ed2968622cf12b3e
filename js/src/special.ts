/**
 * Text that spells special tokens: which of them it may spell. The rules are
 * those of tiktoken, as in harmony/special.py.
 */
import { EncodeError, ValueError } from "./errors.js";
import { shown } from "./json.js";
import type { Machine } from "./wasm.js";

/** Which special tokens text may spell, and which are an error. */
export interface SpecialOptions {
  /** Become tokens; none by default. */
  allowedSpecial?: "all" | Iterable<string>;
  /** Are an error; by default all that are not allowed. [] for none. */
  disallowedSpecial?: "all" | Iterable<string>;
}

/** The ids of the special tokens that a text may spell, of those it spells. */
export function allowedIds(
  machine: Machine,
  ids: ReadonlyMap<string, number>,
  text: string,
  { allowedSpecial = [], disallowedSpecial = "all" }: SpecialOptions,
): number[] {
  const allowed = chosen("allowedSpecial", allowedSpecial, ids);
  const refused =
    disallowedSpecial === "all"
      ? new Set([...ids.keys()].filter((name) => !allowed.has(name)))
      : chosen("disallowedSpecial", disallowedSpecial, ids);
  const names = new Map([...ids].map(([name, id]) => [id, name]));
  const spelled = machine
    .spelled(text)
    .map(([id, position]) => [names.get(id)!, position] as const);
  const first = firstOf(text, spelled, refused, ids);
  if (first !== null)
    throw disallowed(
      first,
      [...allowed].filter((n) => !ids.has(n)),
    );
  const found = new Set(spelled.map(([name]) => name));
  return [...found].filter((name) => allowed.has(name)).map((name) => ids.get(name)!);
}

function chosen(
  where: string,
  choice: "all" | Iterable<string>,
  ids: ReadonlyMap<string, number>,
): Set<string> {
  if (choice === "all") return new Set(ids.keys());
  const names = typeof choice === "string" ? [null] : [...choice];
  if (names.every((name) => typeof name === "string")) return new Set(names);
  throw new ValueError(where, `expected "all" or several texts, got ${shown(choice)}`);
}

/** The one of some strings that a text spells first; tiktoken looks for any. */
function firstOf(
  text: string,
  spelled: (readonly [string, number])[],
  refused: Set<string>,
  ids: ReadonlyMap<string, number>,
): string | null {
  const found = [];
  const known = spelled.find(([name]) => refused.has(name));
  if (known) found.push(known);
  for (const name of refused) {
    const at = ids.has(name) ? -1 : text.indexOf(name);
    if (at >= 0) found.push([name, bytesBefore(text, at)] as const);
  }
  found.sort((one, other) => one[1] - other[1] || (one[0] < other[0] ? -1 : 1));
  return found[0]?.[0] ?? null;
}

function bytesBefore(text: string, at: number): number {
  return new TextEncoder().encode(text.slice(0, at)).length;
}

function disallowed(token: string, unknown: string[]): EncodeError {
  const lines = [
    `Encountered text corresponding to disallowed special token '${token}'.`,
    `To encode it as the special token, allow it: {allowedSpecial: ['${token}']}.`,
    "To encode it as ordinary text: {disallowedSpecial: []} for all special tokens.",
  ];
  if (unknown.length) {
    const names = unknown.sort().join(", ");
    lines.push(`In allowedSpecial, there is no such special token: ${names}.`);
  }
  return new EncodeError(lines.join("\n"));
}
