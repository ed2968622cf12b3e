/**
 * Tokens as people look at them: messages as blocks, with what was repaired in
 * them. The same as harmony/cli/show/reading.py.
 */
import {
  type HarmonyEncoding,
  type ParsedMessage,
  ParseError,
  type ParseWarning,
  type Role,
  StreamableParser,
} from "harmony-format";

const LONGEST_CELL = 8;
const END_BEFORE = ["restarted_header", "white_space"];
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const IN_RUNS = ["after_end", "stray_stop", "unknown_token"];

/** A repair, or several of one kind at one token after the other. */
export interface Note extends ParseWarning {
  count: number;
}

/** Tokens `start` to `end`; from `body` on, those of the content. */
export interface Block {
  start: number;
  body: number;
  end: number;
  message: ParsedMessage | null;
  /** Who is to write the message that they open, as at the end of a prompt. */
  role: Role | null;
}

/** Tokens that are whole characters, or one special token. */
export interface Cell {
  tokens: number[];
  bytes: Uint8Array[];
  text: string;
  special: boolean;
}

export interface Reading {
  tokens: number[];
  blocks: Block[];
  notes: Note[];
  /** What the strict parser says, and at which token. */
  error: ParseError | null;
}

/** What tokens say. With `recover` nothing is an error. */
export function read(
  encoding: HarmonyEncoding,
  tokens: number[],
  role: Role | null,
  recover: boolean,
): Reading {
  const onError = recover ? "recover" : "raise";
  using parser = new StreamableParser(encoding, role, { onError });
  let error: ParseError | null = null;
  let nextRole: Role | null = null;
  try {
    parser.feed(tokens);
    nextRole = parser.nextRole;
    if (nextRole === null) parser.finish();
  } catch (caught) {
    if (!(caught instanceof ParseError)) throw caught;
    error = caught;
  }
  const places = [
    ...parser.messageTokens,
    ...(parser.openTokens ? [parser.openTokens] : []),
  ];
  const blocks = places.map(({ start, header, content }, index): Block => {
    const message = parser.messages[index] ?? null;
    return {
      start,
      body: start + header,
      end: start + header + content,
      message,
      role: null,
    };
  });
  if (nextRole !== null && blocks.length) blocks.at(-1)!.role = nextRole;
  const notes = notesOf(parser.warnings);
  return {
    tokens,
    blocks: withGaps(blocks, tokens.length, notes),
    notes,
    error,
  };
}

function notesOf(warnings: ParseWarning[]): Note[] {
  const notes: Note[] = [];
  for (const warning of warnings) {
    const last = notes.at(-1);
    const goesOn =
      last?.kind === warning.kind &&
      last.position + last.count === warning.position;
    if (last && goesOn && IN_RUNS.includes(warning.kind)) {
      last.text += warning.text;
      last.count++;
    } else notes.push({ ...warning, count: 1 });
  }
  return notes;
}

/** Blocks with those of the tokens before, between and behind them. */
function withGaps(blocks: Block[], end: number, notes: Note[]): Block[] {
  const borders = new Set([0, end]);
  for (const { start, end } of blocks) borders.add(start).add(end);
  for (const { kind, position } of notes) {
    if (END_BEFORE.includes(kind)) borders.add(position);
    if (kind === "dropped_header") borders.add(Math.min(position + 1, end));
  }
  const known = new Map(blocks.map((block) => [block.start, block]));
  const sorted = [...borders].sort((one, other) => one - other);
  return sorted.slice(0, -1).map((start, index) => {
    const stop = sorted[index + 1]!;
    return (
      known.get(start) ?? {
        start,
        body: stop,
        end: stop,
        message: null,
        role: null,
      }
    );
  });
}

/** The cells of tokens `start` to `end`. */
export function cells(
  encoding: HarmonyEncoding,
  tokens: number[],
  start: number,
  end: number,
): Cell[] {
  const found: Cell[] = [];
  let held: Cell | null = null;
  for (let at = start; at < end; at++) {
    const token = tokens[at]!;
    const special = encoding.isSpecialToken(token);
    const bytes = bytesOf(encoding, token);
    if (held && (special || !bytes.length)) held = null;
    if (held) {
      held.tokens.push(token);
      held.bytes.push(bytes);
    } else {
      held = { tokens: [token], bytes: [bytes], text: "", special };
      found.push(held);
    }
    held.text = decoder.decode(joined(held.bytes)) || "\ufffd";
    const isLong = held.tokens.length === LONGEST_CELL;
    if (special || isLong || !isCut(joined(held.bytes))) held = null;
  }
  return found;
}

function bytesOf(encoding: HarmonyEncoding, token: number): Uint8Array {
  try {
    return encoding.decodeBytes([token]);
  } catch {
    return new Uint8Array();
  }
}

function joined(parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** Whether bytes end inside a character. */
function isCut(bytes: Uint8Array): boolean {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back]!;
    if (byte >= 0xc0) return back < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2);
    if (byte < 0x80) return false;
  }
  return false;
}
