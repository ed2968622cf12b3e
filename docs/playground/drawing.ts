/**
 * A reading as elements: those that harmony/cli/show/page.py writes, so that its
 * style and its script serve this page too. Whatever a message says is text.
 */
import type { HarmonyEncoding } from "harmony-format";
import {
  type Block,
  type Cell,
  cells,
  type Note,
  type Reading,
} from "./reading.js";

const KNOWN_CHANNELS = ["analysis", "commentary", "final"];
const LARGE = 20_000;
const HIDDEN = new RegExp(
  "[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\xad\\u061c\\u180e\\u200b\\u200e\\u200f\\u2028-\\u202e" +
    "\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb\\u{e0000}-\\u{e0fff}]",
  "gu",
);

/** Text with characters that act on a screen, or hide, replaced. */
function visible(text: string): string {
  return text.replace(HIDDEN, (character) => {
    const code = character.codePointAt(0)!;
    if (code < 0x20) return String.fromCharCode(0x2400 + code);
    const hex = code.toString(16).toUpperCase().padStart(4, "0");
    return code === 0x7f ? "\u2421" : `⟨U+${hex}⟩`;
  });
}

type Attributes = Record<string, string>;

/** An element with attributes and what is in it, which is text or elements. */
export function element(
  name: string,
  attributes: Attributes = {},
  ...inside: (Node | string)[]
): HTMLElement {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes))
    made.setAttribute(key, value);
  made.append(
    ...inside.map((part) => (typeof part === "string" ? visible(part) : part)),
  );
  return made;
}

/** All messages of a reading. */
export function drawn(
  encoding: HarmonyEncoding,
  reading: Reading,
): HTMLElement[] {
  document.body.classList.toggle("large", reading.tokens.length >= LARGE);
  return reading.blocks.map((block, index) =>
    article(encoding, reading, block, index + 1),
  );
}

function article(
  encoding: HarmonyEncoding,
  reading: Reading,
  block: Block,
  number: number,
): HTMLElement {
  const who = block.message?.role ?? block.role ?? "";
  const heading = element("h2", { id: `t${number}` });
  heading.append(
    element("span", { class: "quiet" }, `${number} `),
    visible(title(block)),
  );
  const counted = element("span", { class: "count" }, tokensOf(block));
  const header = element("header", {}, heading, ...chips(block), counted);
  const made = element("article", { class: who, id: `m${number}` }, header);
  made.setAttribute("aria-labelledby", `t${number}`);
  const notes = notesOf(reading, block);
  for (const [kind, start, end] of [
    ["text head", block.start, block.body],
    ["text", block.body, block.end],
  ] as const) {
    const here = notes.filter(({ position }) => isIn(position, kind, block));
    if (start === end && !here.length) continue;
    const found = cells(encoding, reading.tokens, start, end);
    const what = kind === "text" ? "Content" : "Header";
    const label = `${what} of message ${number}`;
    made.append(
      texts(found, here, start, { class: kind, "aria-label": label }),
    );
  }
  const { error } = reading;
  if (
    error &&
    error.position !== null &&
    isHere(error.position, reading, block)
  ) {
    made.append(element("span", { class: "warning" }, `⚠ ${error.message}`));
  }
  return made;
}

function isIn(position: number, kind: string, block: Block): boolean {
  return kind === "text" ? position >= block.body : position < block.body;
}

function isHere(position: number, reading: Reading, block: Block): boolean {
  const isLast = block === reading.blocks.at(-1);
  return position >= block.start && (position < block.end || isLast);
}

function notesOf(reading: Reading, block: Block): Note[] {
  return reading.notes.filter(({ position }) =>
    isHere(position, reading, block),
  );
}

/** Who speaks to whom, or what else a block is. */
export function title({ message, role }: Block): string {
  if (!message) return role ? `${role}, to be written` : "no message";
  const name = message.name ? ` ${message.name}` : "";
  const to = message.recipient ? ` → ${message.recipient}` : "";
  return message.role + name + to;
}

function tokensOf({ start, body, end, message }: Block): string {
  if (message) return `${body - start} + ${end - body} tokens`;
  return many(end - start, "token");
}

export function many(count: number, what: string): string {
  return `${count.toLocaleString("en")} ${what}${count === 1 ? "" : "s"}`;
}

function chips({ message }: Block): HTMLElement[] {
  const found: HTMLElement[] = [];
  const channel = message?.channel;
  if (channel !== undefined && channel !== null) {
    const known = KNOWN_CHANNELS.includes(channel) ? ` ${channel}` : "";
    found.push(element("span", { class: `chip${known}` }, channel));
  }
  if (message?.content_type) {
    found.push(element("span", { class: "chip" }, message.content_type));
  }
  return found;
}

/** The texts of cells, each token in an element, notes before their tokens. */
function texts(
  found: Cell[],
  notes: Note[],
  start: number,
  attributes: Attributes,
): HTMLElement {
  const at = { "data-at": String(start), role: "group" };
  const made = element("div", { ...attributes, ...at });
  const left = [...notes];
  let position = start;
  for (const [index, cell] of found.entries()) {
    position += cell.tokens.length;
    while (left[0] && left[0].position < position)
      made.append(note(left.shift()!));
    made.append(drawnCell(cell, index === 0));
  }
  made.append(...left.map(note));
  return made;
}

function drawnCell(cell: Cell, first: boolean): HTMLElement {
  const ids = cell.tokens.join(" ");
  const made = element("span", { "data-t": ids, tabindex: first ? "0" : "-1" });
  const text = visible(cell.text);
  const whole = new TextEncoder().encode(text);
  const isShown =
    cell.tokens.length === 1 && whole.join() === (cell.bytes[0] ?? []).join();
  if (!isShown) made.dataset["b"] = cell.bytes.map(hex).join("|");
  if (cell.special) made.className = "s";
  const line = text.indexOf("\n");
  if (line < 0) made.append(text);
  // Behind its line feed, an id would stand on the next line.
  else
    made.append(
      text.slice(0, line),
      element("i", { "data-t": ids }),
      text.slice(line),
    );
  return made;
}

function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
}

function note({ kind, text, count }: Note): HTMLElement {
  const times = count > 1 ? `, ${count} times` : "";
  const words = text ? ` “${text}”` : "";
  return element("span", { class: "warning" }, `⚠ ${kind}${times}${words}`);
}

/** What roles and channels come to, as a table. */
export function counts(reading: Reading): HTMLElement {
  const sums = new Map<string, [number, number, number]>();
  let unread = 0;
  for (const { message, start, body, end } of reading.blocks) {
    if (!message) unread += end - start;
    else {
      const key = message.role + (message.channel ? ` ${message.channel}` : "");
      const sum = sums.get(key) ?? [0, 0, 0];
      sums.set(key, [sum[0] + 1, sum[1] + body - start, sum[2] + end - body]);
    }
  }
  const rows = [...sums].map(([name, sum]) => row(name, sum));
  if (unread) rows.push(row("in no message", ["", "", unread]));
  const titles = ["role and channel", "messages", "header", "content"];
  const head = titles.map((name) => element("th", { scope: "col" }, name));
  const all = row("all", ["", "", reading.tokens.length]);
  return element(
    "table",
    {},
    element("caption", {}, "Tokens"),
    element("thead", {}, element("tr", {}, ...head)),
    element("tbody", {}, ...rows),
    element("tfoot", {}, all),
  );
}

function row(name: string, values: (number | string)[]): HTMLElement {
  const fields = values.map((value) =>
    element("td", {}, value.toLocaleString("en")),
  );
  return element("tr", {}, element("th", { scope: "row" }, name), ...fields);
}
