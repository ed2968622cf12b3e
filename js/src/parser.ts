/** `StreamableParser`: tokens to messages, one at a time. */
import { checkedRole, type ParsedMessage, type Role, ROLES } from "./contents.js";
import type { HarmonyEncoding } from "./encoding.js";
import { ValueError } from "./errors.js";
import { shown } from "./json.js";
import {
  type Added,
  APPENDED_TOKEN,
  checkedToken,
  type EndToken,
  type Found,
  type NativeParser,
  NO_ROLE,
  ROLE_NUMBERS,
  STOP_TOKENS,
  type Tally,
  type Tokens,
  type WarningKind,
} from "./wasm.js";

export type { EndToken, WarningKind };

/** Where in a message a parser is. */
export type StreamState = "ExpectStart" | "Header" | "Content";
const STATES: readonly StreamState[] = ["ExpectStart", "Header", "Content"];
const CONTENT = 2;

/** How to read. */
export interface ParserOptions {
  /** false takes a header that ends in a stop token: its words are the content. */
  strict?: boolean;
  /** "recover": nothing is an error, whatever the tokens; see `warnings`. */
  onError?: "raise" | "recover";
}

/** Text that one call of `feed` or `finish` added to one message's content. */
export interface Segment {
  role: Role;
  channel: string | null;
  recipient: string | null;
  contentType: string | null;
  text: string;
  /** The index of the message among all of the parser's. */
  message: number;
  /** Whether that call ended the message. */
  finished: boolean;
}

/** How many tokens were spent on headers and on contents. */
export interface TokenCount {
  header: number;
  content: number;
}

/** The same, of one channel and recipient. */
export interface RecipientCount extends TokenCount {
  channel: string | null;
  recipient: string | null;
}

/**
 * One repair: at which token it was made, and the text that was left out,
 * perhaps none.
 */
export interface ParseWarning {
  kind: WarningKind;
  position: number;
  text: string;
}

/** Which tokens a message has: header first, and how it ended. */
export interface MessageTokens {
  start: number;
  header: number;
  content: number;
  end: EndToken;
}

const KNOWN_TEXTS = 2 ** 14;
const dispose: typeof Symbol.dispose =
  Symbol.dispose ?? (Symbol.for("Symbol.dispose") as typeof Symbol.dispose);

/**
 * Takes the tokens of a completion as they come, and knows what they say so far.
 *
 *     const parser = new StreamableParser(encoding, "assistant", {onError: "recover"});
 *     for (const token of tokens) {
 *       const {lastContentDelta, currentChannel} = parser.process(token);
 *       if (currentChannel === "final") write(lastContentDelta ?? "");
 *     }
 *     parser.finish();
 *     parser.messages;
 *     parser.free();
 *
 * `role`: who writes the message that is under way, if the tokens begin inside
 * its header, as after a prompt for that role; null if they begin with
 * `<|start|>`. After an error in a header the parser expects `<|start|>` again;
 * after any other error nothing has changed. Finished messages stay.
 *
 * Its memory is given back by `free`, by `using`, or when it is collected.
 */
export class StreamableParser {
  private native: NativeParser;
  private readonly texts: Map<number, string | null>;
  private readonly isStrict: boolean;
  private readonly recovers: boolean;
  private delta: string | null = null;
  private atState = -1;
  private atCount = -1;
  private open!: Found;
  private shown!: Found;
  private knownMessages: ParsedMessage[] = [];
  private knownWarnings: ParseWarning[] = [];
  private sums = new Map<string, Sum>();
  private summed = 0;

  constructor(
    encoding: HarmonyEncoding,
    role: Role | null = null,
    options: ParserOptions = {},
    prompt: Tokens | null = null,
  ) {
    const { strict = true, onError = "raise" } = options;
    if (onError !== "raise" && onError !== "recover") {
      const known = "expected 'raise' or 'recover'";
      throw new ValueError("onError", `${known}, got ${shown(onError)}`);
    }
    const number = role === null ? NO_ROLE : ROLE_NUMBERS[checkedRole("role", role)];
    this.texts = encoding.texts;
    this.isStrict = strict;
    this.recovers = onError === "recover";
    this.native = encoding.machine.parser(number, strict, this.recovers, prompt);
    this.look();
  }

  /**
   * The parser for what a model writes after a prompt, which may end behind a
   * message, with `<|start|>assistant`, inside a header or inside a content.
   */
  static after(
    encoding: HarmonyEncoding,
    promptTokens: Tokens,
    options: ParserOptions = {},
  ): StreamableParser {
    return new StreamableParser(encoding, null, options, promptTokens);
  }

  /** Give the memory back; the parser is of no use then. */
  free(): void {
    this.native.free();
  }

  [dispose](): void {
    this.free();
  }

  // Taking tokens

  /** Take one token. Throws a `ParseError`. */
  process(token: number): this {
    const appended = this.native.append(checkedToken(token, null));
    if (appended === APPENDED_TOKEN) {
      const known = this.texts.get(token);
      this.delta = known !== undefined ? known : this.learn(token);
    } else if (appended) {
      this.delta = this.native.delta();
    } else {
      try {
        this.native.process(token);
      } finally {
        this.look();
      }
    }
    return this;
  }

  /** Remember the delta as the text of the token. */
  private learn(token: number): string | null {
    const delta = this.native.delta();
    if (this.texts.size >= KNOWN_TEXTS) this.texts.clear();
    this.texts.set(token, delta);
    return delta;
  }

  /** See what has become of the open message, and what was added to it. */
  private look(): void {
    this.delta = this.native.delta();
    const state = this.native.state();
    const count = this.native.messageCount();
    if (state === CONTENT && state === this.atState && count === this.atCount) return;
    this.atState = state;
    this.atCount = count;
    this.open = this.shown = this.native.current();
    if (this.recovers && this.delta !== null && state !== CONTENT) {
      this.shown = this.native.messages(count - 1)[0]!;
    }
  }

  /**
   * Take many tokens at once; return the text they completed, by message. Throws
   * a `ParseError` at the first token that is wrong; those before it are taken.
   */
  feed(tokens: Tokens): Segment[] {
    if (tokens.length === 1 && this.atState === CONTENT)
      return this.feedOne(tokens[0]!);
    try {
      this.native.feed(tokens);
    } finally {
      this.look();
    }
    return this.segments();
  }

  /** Take one token inside a content, as servers do: the shortest way. */
  private feedOne(token: number): Segment[] {
    const { atCount: message, open } = this;
    this.process(token);
    const finished = this.atCount !== message || this.atState !== CONTENT;
    if (this.delta === null && !finished) return [];
    return [segment(open, { message, finished, text: this.delta ?? "" })];
  }

  /** Take the end of the stream, which finishes an open message; see `feed`. */
  finish(): Segment[] {
    this.processEos();
    return this.segments();
  }

  /** Take the end of the stream as `finish` does; return the parser. */
  processEos(): this {
    try {
      this.native.finish();
    } finally {
      this.look();
    }
    return this;
  }

  /** @internal Take all tokens of a completion; return the messages. */
  parseAll(tokens: Tokens): ParsedMessage[] {
    this.native.feed(tokens);
    this.native.finish();
    return this.messages;
  }

  private segments(): Segment[] {
    const added = this.native.added();
    if (!added.length) return [];
    const first = added[0]!.message;
    const count = this.native.messageCount();
    const found = first < count ? this.native.messages(first) : [];
    found.push(this.open);
    return added.map((one) => segment(found[one.message - first]!, one));
  }

  // What is known

  /** The finished messages; a new list when there is a further one. */
  get messages(): ParsedMessage[] {
    const known = this.knownMessages;
    if (known.length < this.native.messageCount()) {
      const added = this.native.messages(known.length).map(messageOf);
      this.knownMessages = [...known, ...added];
    }
    return this.knownMessages;
  }

  /** Which tokens each finished message has, and how it ended. */
  get messageTokens(): MessageTokens[] {
    return this.native.tallies(0).map(tokensOf);
  }

  /** The same of the open message; null if it has none. */
  get openTokens(): MessageTokens | null {
    const tally = this.native.openTally();
    return tally.header || tally.content ? tokensOf(tally) : null;
  }

  /** What was repaired, with `onError: "recover"`; like `messages`. */
  get warnings(): ParseWarning[] {
    const known = this.knownWarnings;
    if (known.length < this.native.warningCount()) {
      this.knownWarnings = [...known, ...this.native.warnings(known.length)];
    }
    return this.knownWarnings;
  }

  /** How many tokens each channel has had so far, the open message included. */
  get tokenCounts(): Map<string | null, TokenCount> {
    const counts = new Map<string | null, TokenCount>();
    for (const { channel, header, content } of this.countTokens()) {
      const before = counts.get(channel) ?? { header: 0, content: 0 };
      counts.set(channel, {
        header: before.header + header,
        content: before.content + content,
      });
    }
    return counts;
  }

  /**
   * The same for each channel and recipient; `special: false` leaves out special
   * tokens, such as `<|start|>`.
   */
  countTokens({ special = true } = {}): RecipientCount[] {
    return [...this.sumsSoFar().values()].map((sum) => ({
      channel: sum.channel,
      recipient: sum.recipient,
      header: sum.header - (special ? 0 : sum.headerSpecial),
      content: sum.content - (special ? 0 : sum.contentSpecial),
    }));
  }

  private sumsSoFar(): Map<string, Sum> {
    const found = this.native.messages(this.summed);
    this.native.tallies(this.summed).forEach((tally, index) => {
      add(this.sums, found[index]!, tally);
    });
    this.summed += found.length;
    const sums = new Map([...this.sums].map(([key, sum]) => [key, { ...sum }]));
    const tally = this.native.openTally();
    if (tally.header || tally.content) add(sums, this.open, tally);
    return sums;
  }

  /** Where in a message the parser is. */
  get state(): StreamState {
    return STATES[this.atState]!;
  }

  /** The state with the tokens of the open header or content. */
  get stateData(): Record<string, unknown> {
    const data: Record<string, unknown> = { state: this.state };
    if (this.state === "Header") data["header_tokens"] = this.headerTokens();
    if (this.state === "Content") {
      const { role, name, recipient, channel, contentType } = this.open;
      const author = { role: ROLES[role]!, ...(name === null ? {} : { name }) };
      data["header"] = { author, recipient, channel, content_type: contentType };
      data["content_tokens"] = this.native.openTokens();
    }
    return data;
  }

  private headerTokens(): number[] {
    const tokens = this.native.openTokens();
    if (this.isStrict) return tokens;
    return tokens.filter((token) => !STOP_TOKENS.includes(token));
  }

  /** Every token that was fed. */
  get tokens(): number[] {
    return this.native.tokens();
  }

  /** Who is to write the open message, if that is all that is known of it. */
  get nextRole(): Role | null {
    return roleOf(this.native.nextRole());
  }

  /** Who writes the open message; the given role until its header is read. */
  get currentRole(): Role | null {
    return roleOf(this.shown.role);
  }

  /** The channel of the open message, from the end of its header on. */
  get currentChannel(): string | null {
    return this.shown.channel;
  }

  /** The recipient of the open message. */
  get currentRecipient(): string | null {
    return this.shown.recipient;
  }

  /** The content type of the open message. */
  get currentContentType(): string | null {
    return this.shown.contentType;
  }

  /** The content of the open message so far. */
  get currentContent(): string {
    return this.native.content();
  }

  /** What the last token added to a content, or null. */
  get lastContentDelta(): string | null {
    return this.delta;
  }

  /** `lastContentDelta` with the message it belongs to, or null. */
  get lastSegment(): Segment | null {
    if (this.delta === null) return null;
    const finished = this.atState !== CONTENT;
    const message = this.native.messageCount() - Number(finished);
    const found = finished ? this.native.messages(message)[0]! : this.open;
    return segment(found, { message, finished, text: this.delta });
  }
}

interface Sum extends RecipientCount {
  headerSpecial: number;
  contentSpecial: number;
}

function add(
  sums: Map<string, Sum>,
  { channel, recipient }: Found,
  tally: Tally,
): void {
  const key = JSON.stringify([channel, recipient]);
  const none = { header: 0, content: 0, headerSpecial: 0, contentSpecial: 0 };
  const sum = sums.get(key) ?? { channel, recipient, ...none };
  sum.header += tally.header;
  sum.content += tally.content;
  sum.headerSpecial += tally.headerSpecial;
  sum.contentSpecial += tally.contentSpecial;
  sums.set(key, sum);
}

function roleOf(number: number): Role | null {
  return number === NO_ROLE ? null : ROLES[number]!;
}

function tokensOf({ start, header, content, end }: Tally): MessageTokens {
  return { start, header, content, end };
}

function messageOf(found: Found): ParsedMessage {
  const message: ParsedMessage = {
    role: ROLES[found.role]!,
    name: found.name,
    content: [{ type: "text", text: found.content ?? "" }],
  };
  if (found.channel !== null) message.channel = found.channel;
  if (found.recipient !== null) message.recipient = found.recipient;
  if (found.contentType !== null) message.content_type = found.contentType;
  return message;
}

function segment(found: Found, { message, finished, text }: Added): Segment {
  const { channel, recipient, contentType } = found;
  const role = ROLES[found.role]!;
  return { role, channel, recipient, contentType, text, message, finished };
}
