/**
 * The binding: the only module that touches the memory of WebAssembly.
 *
 * It takes and gives text, numbers and arrays. A `Machine` is one instance of
 * the module with one encoding in it; parsers live in its memory.
 */
import {
  DecodeError,
  HarmonyError,
  ParseError,
  RenderError,
  VocabularyError,
} from "./errors.js";

type Call = (...values: number[]) => number;

/**
 * What the module exports; js/build.py has the same list. An encoding and its
 * cache go with the instance that they are in.
 */
export const FUNCTIONS = [
  "malloc",
  "free",
  "harmony_layout",
  "harmony_version",
  "harmony_encoding_new",
  "harmony_cache_new",
  "harmony_token_bytes",
  "harmony_encode",
  "harmony_decode",
  "harmony_is_special_token",
  "harmony_find_special_token",
  "harmony_render",
  "harmony_render_bound",
  "harmony_parser_new",
  "harmony_parser_after",
  "harmony_parser_free",
  "harmony_parser_view",
  "harmony_parser_process",
  "harmony_parser_append",
  "harmony_parser_feed",
  "harmony_parser_finish",
] as const;

type Exports = Record<(typeof FUNCTIONS)[number], Call> & {
  memory: WebAssembly.Memory;
  _initialize?: () => void;
};

/** The names of harmony_layout, in its order. */
const LAYOUT = [
  ...(["text", "messageCount", "messages", "current", "delta", "state"] as const),
  ...(["tokens", "tokenCount", "openStart", "tallies", "open"] as const),
  ...(["warnings", "warningCount", "warningText"] as const),
  ...(["segments", "segmentCount", "nextRole"] as const),
  ...(["position", "message", "errorSize"] as const),
  ...(["renderOptionsSize", "parserOptionsSize"] as const),
];
type Layout = Record<(typeof LAYOUT)[number], number>;

// Numbers of harmony.h.
const MESSAGE_WORDS = 11;
const TALLY_WORDS = 6;
const WARNING_WORDS = 4;
const SEGMENT_WORDS = 4;
const SHORT_BUFFER = 2;
const NO_MEMORY = 1;
const TOKENS = {
  start: 199998,
  limit: 201089,
  return: 200002,
  end: 200007,
  call: 200012,
};
export const NO_ROLE = -1;
export const CONTINUED = 5;
export const ROLE_NUMBERS = { user: 0, assistant: 1, system: 2, developer: 3, tool: 4 };
export const DROP_RULES = { never: 0, upstream: 1, per_turn: 2 };
export const APPENDED_TOKEN = 1;
export const STOP_TOKENS: readonly number[] = [TOKENS.return, TOKENS.end, TOKENS.call];
export const ASSISTANT_STOP_TOKENS: readonly number[] = [TOKENS.return, TOKENS.call];

/** The error of each status from this one on; of any other, `HarmonyError`. */
const FIRST_ERROR = 4;
const ERRORS = [
  ...[RenderError, VocabularyError, DecodeError, RenderError],
  ...Array<typeof ParseError>(7).fill(ParseError),
] as (new (message: string, position?: number | null) => HarmonyError)[];

const WARNINGS = [
  ...(["stray_stop", "white_space", "missing_start", "bare_text"] as const),
  ...(["restarted_header", "repeated_message", "cut_message"] as const),
  ...(["missing_message", "dropped_header", "header_words", "role"] as const),
  ...(["channel", "recipient", "content_type", "not_utf8"] as const),
  ...(["unknown_token", "after_end"] as const),
];
/** The kind of a repair; docs/python.md has an example of each. */
export type WarningKind = (typeof WARNINGS)[number];

/** How a message ended: null if it was cut off. */
export type EndToken = "end" | "call" | "return" | null;
const END_TOKENS: Record<number, EndToken> = {
  [TOKENS.end]: "end",
  [TOKENS.call]: "call",
  [TOKENS.return]: "return",
};

/** A message as a parser has found it; the role is a number. */
export interface Found {
  role: number;
  name: string | null;
  recipient: string | null;
  channel: string | null;
  contentType: string | null;
  content: string | null;
}

/** Which tokens a message has, and how it ended. */
export interface Tally {
  end: EndToken;
  start: number;
  header: number;
  content: number;
  headerSpecial: number;
  contentSpecial: number;
}

/** What `feed` or `finish` added to one message. */
export interface Added {
  message: number;
  finished: boolean;
  text: string;
}

export interface Warning {
  kind: WarningKind;
  position: number;
  text: string;
}

export interface RenderFlags {
  drop: number;
  channelFirst: boolean;
  openLast: boolean;
  training: boolean;
  nextRole: number;
}

const KEPT = 2 ** 20;
const SHORT_TEXT = 24;
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const strictDecoder = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });

/** Memory that calls use one after the other; it grows as it has to. */
class Room {
  pointer = 0;
  private size = 0;

  constructor(private readonly machine: Machine) {}

  /** Make it at least so large; what was in it is gone. */
  take(size: number): number {
    if (size > this.size) {
      this.give();
      this.pointer = this.machine.allocate(size);
      this.size = size;
    }
    return this.pointer;
  }

  /** Give it back if it is large. */
  trim(): void {
    if (this.size > KEPT) this.give();
  }

  private give(): void {
    this.machine.c.free(this.pointer);
    this.pointer = this.size = 0;
  }
}

/** An instance of the module with an encoding in it. */
export class Machine {
  readonly c: Exports;
  readonly layout: Layout;
  private bytes_!: Uint8Array;
  private words_!: Int32Array;
  private readonly textRoom = new Room(this);
  private readonly tokenRoom = new Room(this);
  private readonly small: number; // a word or two for results
  private readonly error: number;
  private readonly encoding: number;
  private readonly cache: number;

  constructor(module: WebAssembly.Module, vocabulary: Uint8Array) {
    const found = WebAssembly.Module.exports(module).map(({ name }) => name);
    const missing = FUNCTIONS.find((name) => !found.includes(name));
    if (missing !== undefined) {
      throw new VocabularyError(`this is not harmony.wasm: it has no ${missing}`);
    }
    const { exports } = new WebAssembly.Instance(module, {});
    this.c = exports as unknown as Exports;
    this.c._initialize?.();
    const start = this.c.harmony_layout() >> 2;
    this.layout = Object.fromEntries(
      LAYOUT.map((name, index) => [name, this.words[start + index]]),
    ) as Layout;
    this.error = this.allocate(this.layout.errorSize);
    this.small = this.allocate(64);
    this.encoding = this.made(
      this.withBytes(vocabulary, (pointer) =>
        this.c.harmony_encoding_new(pointer, vocabulary.length, this.small, this.error),
      ),
    );
    this.cache = this.made(
      this.c.harmony_cache_new(this.encoding, this.small, this.error),
    );
  }

  // Memory

  /** All memory as bytes; a new view when it has grown. */
  get bytes(): Uint8Array {
    if (this.bytes_?.buffer !== this.c.memory.buffer) this.look();
    return this.bytes_;
  }

  /** All memory as int32. */
  get words(): Int32Array {
    if (this.words_?.buffer !== this.c.memory.buffer) this.look();
    return this.words_;
  }

  private look(): void {
    this.bytes_ = new Uint8Array(this.c.memory.buffer);
    this.words_ = new Int32Array(this.c.memory.buffer);
  }

  allocate(size: number): number {
    if (size >= 2 ** 32) throw new RangeError("out of memory");
    const pointer = this.c.malloc(Math.max(size, 1)) >>> 0;
    if (pointer === 0) throw new RangeError("out of memory");
    return pointer;
  }

  private withBytes<T>(data: Uint8Array, use: (pointer: number) => T): T {
    const pointer = this.allocate(data.length);
    this.bytes.set(data, pointer);
    try {
      return use(pointer);
    } finally {
      this.c.free(pointer);
    }
  }

  /** Put text into memory; return its length in bytes. */
  private put(text: string): number {
    const room = 3 * text.length;
    const pointer = this.textRoom.take(room);
    const to = this.bytes.subarray(pointer, pointer + room);
    return encoder.encodeInto(text, to).written;
  }

  /** Put tokens into memory. Throws for what is no token id. */
  private putTokens(tokens: Tokens): number {
    const pointer = this.tokenRoom.take(4 * tokens.length);
    const start = pointer >>> 2;
    const words = this.words;
    if (tokens instanceof Int32Array) words.set(tokens, start);
    else {
      for (let index = 0; index < tokens.length; index++) {
        words[start + index] = checkedToken(tokens[index]!, index);
      }
    }
    return pointer;
  }

  private trim(): void {
    this.textRoom.trim();
    this.tokenRoom.trim();
  }

  /** Text from memory; it is valid UTF-8, or U+FFFD stands for what is not. */
  text(start: number, length: number): string {
    if (length > SHORT_TEXT) {
      return decoder.decode(this.bytes.subarray(start, start + length));
    }
    const bytes = this.bytes;
    let text = "";
    for (let at = start; at < start + length; at++) {
      const byte = bytes[at]!;
      if (byte >= 0x80) return decoder.decode(bytes.subarray(start, start + length));
      text += String.fromCharCode(byte);
    }
    return text;
  }

  // Errors

  /** What a function that makes something has made. */
  private made(status: number): number {
    if (status) throw this.failure();
    return this.words[this.small >> 2]! >>> 0;
  }

  /** The error of the call that just failed; `where` stands before it. */
  failure(where?: (position: number) => string): Error {
    const status = this.words[this.error >> 2]!;
    const position = this.words[(this.error + this.layout.position) >> 2]!;
    const start = this.error + this.layout.message;
    const said = this.text(start, this.bytes.indexOf(0, start) - start);
    const message = (where?.(position) ?? "") + said;
    if (status === NO_MEMORY) return new RangeError(message);
    const kind = ERRORS[status - FIRST_ERROR] ?? HarmonyError;
    return new kind(message, position >= 0 ? position : null);
  }

  get version(): string {
    const start = this.c.harmony_version();
    return this.text(start, this.bytes.indexOf(0, start) - start);
  }

  // Text and tokens

  /** Encode text; give what `take` makes of the tokens where they are. */
  encode<T>(
    text: string,
    allowed: number[],
    take: (words: Int32Array, start: number, count: number) => T,
  ): T {
    const length = this.put(text);
    const tokens = this.tokenRoom.take(4 * (length + allowed.length));
    this.words.set(allowed, tokens >>> 2);
    const to = tokens + 4 * allowed.length;
    try {
      const count = this.encoded(length, tokens, allowed.length, to, length);
      return take(this.words, to >>> 2, count);
    } finally {
      this.trim();
    }
  }

  /** Count the tokens of text. */
  count(text: string, allowed: number[]): number {
    const length = this.put(text);
    const tokens = this.tokenRoom.take(4 * allowed.length);
    this.words.set(allowed, tokens >>> 2);
    try {
      return this.encoded(length, tokens, allowed.length, 0, 0);
    } finally {
      this.trim();
    }
  }

  private encoded(
    length: number,
    allowed: number,
    allowedCount: number,
    to: number,
    capacity: number,
  ): number {
    const text = this.textRoom.pointer;
    const status = this.c.harmony_encode(
      ...([this.encoding, this.cache, text, length, allowed, allowedCount] as const),
      ...([to, capacity, this.small, this.error] as const),
    );
    if (status && !(status === SHORT_BUFFER && capacity === 0)) throw this.failure();
    return this.words[this.small >> 2]!;
  }

  /** The special tokens that text spells: each with its place in bytes. */
  spelled(text: string): [number, number][] {
    const length = this.put(text);
    const start = this.textRoom.pointer;
    const found: [number, number][] = [];
    for (let at = 0; at < length;) {
      const token = this.c.harmony_find_special_token(
        ...([start, length, at, this.small, this.small + 4] as const),
      );
      if (token < 0) break;
      const position = this.words[this.small >> 2]!;
      found.push([token, position]);
      at = position + this.words[(this.small >> 2) + 1]!;
    }
    this.trim();
    return found;
  }

  isSpecialToken(token: number): boolean {
    return token === (token | 0) && this.c.harmony_is_special_token(token) !== 0;
  }

  /** The text of every special token, by its id. */
  specialTokens(): Map<string, number> {
    const texts = new Map<string, number>();
    for (let token = TOKENS.start; token < TOKENS.limit; token++) {
      const start = this.c.harmony_token_bytes(this.encoding, token, this.small);
      texts.set(this.text(start, this.words[this.small >> 2]!), token);
    }
    return texts;
  }

  /** The bytes of tokens, a copy. */
  decodeBytes(tokens: Tokens): Uint8Array {
    return this.decoded(tokens, (bytes) => bytes.slice());
  }

  /** The text of tokens; `strict` throws for bytes that are not UTF-8. */
  decode(tokens: Tokens, strict: boolean): string {
    return this.decoded(tokens, (bytes) => {
      try {
        return (strict ? strictDecoder : decoder).decode(bytes);
      } catch {
        throw new DecodeError("Could not decode tokens: Invalid utf-8 sequence");
      }
    });
  }

  private decoded<T>(tokens: Tokens, take: (bytes: Uint8Array) => T): T {
    const ids = this.putTokens(tokens);
    let capacity = 8 * tokens.length + 64;
    try {
      for (;;) {
        const to = this.textRoom.take(capacity);
        const status = this.c.harmony_decode(
          ...([this.encoding, ids, tokens.length] as const),
          ...([to, capacity, this.small, this.error] as const),
        );
        const length = this.words[this.small >> 2]!;
        if (!status) return take(this.bytes.subarray(to, to + length));
        if (status !== SHORT_BUFFER) throw this.failure();
        capacity = length;
      }
    } finally {
      this.trim();
    }
  }

  // Conversations

  /**
   * Render messages. `records` has eleven numbers for each; the text they point
   * into, with spans in bytes, is made by `write`, which gets a function that
   * adds a text and returns where it is.
   */
  render(
    size: number,
    write: (add: (text: string) => [number, number]) => number[],
    flags: RenderFlags,
  ): number[] {
    const pointer = this.textRoom.take(3 * size);
    let length = 0;
    const records = write((text) => {
      const start = length;
      const to = this.bytes.subarray(pointer + start, pointer + 3 * size);
      length += encoder.encodeInto(text, to).written;
      return [start, length - start];
    });
    const messages = this.allocate(4 * records.length);
    try {
      this.words.set(records, messages >>> 2);
      return this.rendered(pointer, length, messages, records, flags);
    } finally {
      this.c.free(messages);
      this.trim();
    }
  }

  private rendered(
    text: number,
    length: number,
    messages: number,
    records: number[],
    flags: RenderFlags,
  ): number[] {
    const conversation = this.small + 16;
    const options = this.small + 32;
    const count = records.length / MESSAGE_WORDS;
    this.words.set([text, length, messages, count], conversation >> 2);
    const capacity = this.c.harmony_render_bound(conversation) >>> 0;
    const tokens = this.tokenRoom.take(4 * capacity);
    this.words.set(
      [
        ...[this.layout.renderOptionsSize, flags.drop, flags.nextRole],
        ...[flags.training, flags.channelFirst, flags.openLast].map(Number),
      ],
      options >> 2,
    );
    const status = this.c.harmony_render(
      ...([this.encoding, this.cache, conversation, options] as const),
      ...([tokens, capacity, this.small, this.error] as const),
    );
    if (status) throw this.failure((record) => place(records, record));
    return copied(this.words, tokens >>> 2, this.words[this.small >> 2]!);
  }

  // Parsers

  /** Make a parser; behind a prompt, if one is given. */
  parser(
    role: number,
    strict: boolean,
    recover: boolean,
    prompt: Tokens | null,
  ): NativeParser {
    const options = this.small + 16;
    const size = this.layout.parserOptionsSize;
    this.words.set([size, role, Number(strict), Number(recover)], options >> 2);
    if (prompt === null) {
      const { harmony_parser_new: make } = this.c;
      const status = make(this.encoding, options, this.small, this.error);
      return new NativeParser(this, this.made(status));
    }
    const ids = this.putTokens(prompt);
    const status = this.c.harmony_parser_after(
      ...([this.encoding, ids, prompt.length] as const),
      ...([options, this.small, this.error] as const),
    );
    this.trim();
    return new NativeParser(this, this.made(status));
  }

  process(parser: number, token: number): void {
    if (this.c.harmony_parser_process(parser, token, this.error)) throw this.failure();
  }

  feed(parser: number, tokens: Tokens): void {
    const ids = this.putTokens(tokens);
    const { harmony_parser_feed: feed } = this.c;
    const status = feed(parser, ids, tokens.length, this.error);
    this.trim();
    if (status) throw this.failure();
  }

  finish(parser: number): void {
    if (this.c.harmony_parser_finish(parser, this.error)) throw this.failure();
  }
}

/** Tokens as they may be given. */
export type Tokens = readonly number[] | Int32Array;

/** A token id as an int32. Throws for anything else. */
export function checkedToken(token: number, index: number | null): number {
  if (token === (token | 0)) return token;
  if (Number.isInteger(token)) {
    throw new DecodeError(`Invalid token for decoding: ${token}`, index);
  }
  const where = index === null ? "" : `tokens[${index}]: `;
  throw new TypeError(`${where}expected a token id, got ${String(token)}`);
}

/** Tokens where they are in memory, as a list. */
export function copied(words: Int32Array, start: number, count: number): number[] {
  const tokens = new Array<number>(count);
  for (let index = 0; index < count; index++) tokens[index] = words[start + index]!;
  return tokens;
}

/** Which message a record is of, for an error. */
function place(records: number[], record: number): string {
  let index = -1;
  for (let at = 0; at <= record; at++) {
    if (records[at * MESSAGE_WORDS] !== CONTINUED) index++;
  }
  return index < 0 ? "" : `messages[${index}]: `;
}

const given = new FinalizationRegistry<{ machine: Machine; pointer: number }>(
  ({ machine, pointer }) => machine.c.harmony_parser_free(pointer),
);

/** A `harmony_parser`, and its view. */
export class NativeParser {
  private readonly view: number;

  constructor(
    private readonly machine: Machine,
    private pointer: number,
  ) {
    this.view = machine.c.harmony_parser_view(pointer);
    given.register(this, { machine, pointer }, this);
  }

  /** Give the memory back; the parser is of no use then. */
  free(): void {
    if (!this.pointer) return;
    given.unregister(this);
    this.machine.c.harmony_parser_free(this.pointer);
    this.pointer = 0;
  }

  private get open(): number {
    if (!this.pointer) throw new HarmonyError("the parser was freed");
    return this.pointer;
  }

  append(token: number): number {
    return this.machine.c.harmony_parser_append(this.open, token);
  }

  process(token: number): void {
    this.machine.process(this.open, token);
  }

  feed(tokens: Tokens): void {
    this.machine.feed(this.open, tokens);
  }

  finish(): void {
    this.machine.finish(this.open);
  }

  /** Where a field of the view is among all words. */
  private at(field: keyof Layout): number {
    if (!this.pointer) throw new HarmonyError("the parser was freed");
    return (this.view + this.machine.layout[field]) >>> 2;
  }

  private word(field: keyof Layout, index = 0): number {
    return this.machine.words[this.at(field) + index]!;
  }

  /** Numbers that a pointer of the view points to. */
  private block(field: keyof Layout, start: number, count: number): Int32Array {
    const at = (this.word(field) >>> 2) + start;
    return this.machine.words.subarray(at, at + count);
  }

  /** A span of the view's text. */
  private span(start: number, length: number): string | null {
    if (start < 0) return null;
    return this.machine.text((this.word("text") >>> 0) + start, length);
  }

  state(): number {
    return this.word("state");
  }

  nextRole(): number {
    return this.word("nextRole");
  }

  messageCount(): number {
    return this.word("messageCount");
  }

  tokenCount(): number {
    return this.word("tokenCount");
  }

  warningCount(): number {
    return this.word("warningCount");
  }

  delta(): string | null {
    return this.span(this.word("delta"), this.word("delta", 1));
  }

  content(): string {
    return this.span(this.word("current", 9), this.word("current", 10)) ?? "";
  }

  tokens(start = 0): number[] {
    const count = Math.max(0, this.tokenCount() - start);
    return Array.from(this.block("tokens", start, count));
  }

  openTokens(): number[] {
    return this.tokens(this.word("openStart"));
  }

  /** The open message, without its content. */
  current(): Found {
    const start = this.at("current");
    const words = this.machine.words.slice(start, start + MESSAGE_WORDS);
    words[9] = -1;
    return this.found(words);
  }

  /** The finished messages from an index on. */
  messages(first: number): Found[] {
    const count = this.messageCount() - first;
    const start = first * MESSAGE_WORDS;
    const words = this.block("messages", start, count * MESSAGE_WORDS).slice();
    return rows(words, MESSAGE_WORDS).map((row) => this.found(row));
  }

  private found(words: Int32Array): Found {
    const at = (index: number) => this.span(words[index]!, words[index + 1]!);
    return {
      role: words[0]!,
      name: at(1),
      recipient: at(3),
      channel: at(5),
      contentType: at(7),
      content: at(9),
    };
  }

  tallies(first: number): Tally[] {
    const count = this.messageCount() - first;
    const words = this.block("tallies", first * TALLY_WORDS, count * TALLY_WORDS);
    return rows(words, TALLY_WORDS).map(tally);
  }

  openTally(): Tally {
    const start = this.at("open");
    const words = this.machine.words.slice(start, start + TALLY_WORDS);
    words[0] = NO_ROLE;
    return tally(words);
  }

  warnings(first: number): Warning[] {
    const count = this.warningCount() - first;
    const start = first * WARNING_WORDS;
    const words = this.block("warnings", start, count * WARNING_WORDS).slice();
    const texts = this.word("warningText") >>> 0;
    return rows(words, WARNING_WORDS).map(([position, kind, at, length]) => ({
      kind: WARNINGS[kind!]!,
      position: position!,
      text: at! < 0 ? "" : this.machine.text(texts + at!, length!),
    }));
  }

  added(): Added[] {
    const count = this.word("segmentCount");
    if (count === 0) return [];
    const words = this.block("segments", 0, count * SEGMENT_WORDS).slice();
    return rows(words, SEGMENT_WORDS).map(([message, finished, start, length]) => ({
      message: message!,
      finished: finished !== 0,
      text: this.span(start!, length!) ?? "",
    }));
  }
}

function rows(words: Int32Array, size: number): Int32Array[] {
  const found: Int32Array[] = [];
  for (let at = 0; at < words.length; at += size) {
    found.push(words.subarray(at, at + size));
  }
  return found;
}

function tally(words: Int32Array): Tally {
  return {
    end: END_TOKENS[words[0]!] ?? null,
    start: words[1]!,
    header: words[2]!,
    content: words[3]!,
    headerSpecial: words[4]!,
    contentSpecial: words[5]!,
  };
}
