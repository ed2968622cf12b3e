/** What the tests share. */
import { readFileSync } from "node:fs";
import { loadHarmonyEncoding } from "harmony-format";

export type Json = Record<string, any>;

/** The root of the repository; tests are run in js/. */
export const ROOT = new URL("../../../", import.meta.url);
export const encoding = await loadHarmonyEncoding();

export function file(name: string): string {
  return readFileSync(new URL(name, ROOT), "utf8");
}

/** The lines of a file of test-data, each as JSON text. */
export function lines(name: string): string[] {
  return file(`test-data/${name}`).split("\n").filter(Boolean);
}

interface Complete {
  completeTypescript(
    schema: unknown,
    name: string,
    taken: Set<string>,
  ): { declarations: string[]; text: string };
}
const inside = new URL("js/dist/complete_typescript.js", ROOT).href;
const { completeTypescript } = (await import(inside)) as Complete;

/** What stands in a namespace for a function of these parameters. */
export function namespaceOf(schema: unknown): string {
  const { declarations, text } = completeTypescript(schema, "f", new Set(["f"]));
  return [...declarations, `type f = (_: ${text}) => any;`].join("\n");
}

/** Harmony text as tokens, special ones included. */
export function harmony(text: string): number[] {
  return encoding.encode(text, { allowedSpecial: "all" });
}

/** Numbers that are the same each time. */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1103515245 + 12345) % 2 ** 31;
    return state / 2 ** 31;
  };
}

/** Tokens whole, one by one, and cut at random. */
export function portions(tokens: number[], seed = 3): number[][][] {
  const draw = random(seed);
  const cut: number[][] = [[]];
  for (const token of tokens) {
    if (draw() < 0.3) cut.push([]);
    cut.at(-1)!.push(token);
  }
  return [[tokens], tokens.map((token) => [token]), cut];
}

/** A maker of ids that are the same each time: a prefix and a number. */
export function numbered(): (prefix: string) => string {
  const counts = new Map<string, number>();
  return (prefix) => {
    const count = (counts.get(prefix) ?? 0) + 1;
    counts.set(prefix, count);
    return `${prefix}_${count}`;
  };
}

/** The path that the complaint of a call begins with; "" if there is none. */
export function pathOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    return (error as { path?: string }).path ?? String(error);
  }
  return "";
}
