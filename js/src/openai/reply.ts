/** What the model writes, as the parts of a reply; both APIs are made from these. */
import type { ParsedMessage } from "../contents.js";
import type { HarmonyEncoding } from "../encoding.js";
import { HarmonyError } from "../errors.js";
import { type ParseWarning, type Segment, StreamableParser } from "../parser.js";
import type { Tokens } from "../wasm.js";
import { CustomInput } from "./custom.js";
import { unknown } from "./fields.js";
import { ClientName, SPACE } from "./names.js";
import type { Prompt } from "./prompt.js";

/** Why an engine stopped. */
export type Reason = "stop" | "length" | "content_filter";
const REASONS = ["stop", "length", "content_filter"];

/** What a message of the model is to the client. */
export type Kind =
  "reasoning" | "preamble" | "answer" | "call" | "custom" | "python" | "search";

const TEXTS: readonly Kind[] = ["reasoning", "preamble", "answer"];
const TO_THE_USER = [null, "assistant", "user", "all"];
const BROWSER = ["browser.search", "browser.open", "browser.find"];
const BLANK = new RegExp(`^[${SPACE}]*$`);

/** Whether a kind is text for the client, and no call. */
export function isText(kind: Kind): boolean {
  return TEXTS.includes(kind);
}

/** One message of the reply. */
export class Part {
  /** What was given out of it so far. */
  text = "";
  begun = false;
  blank = true;
  /** It was still open when the stream ended. */
  interrupted = false;
  readonly custom: CustomInput | null;

  constructor(
    readonly kind: Kind,
    /** The tool that is called, by the client's name. */
    readonly name: ClientName,
  ) {
    this.custom = kind === "custom" ? new CustomInput() : null;
  }
}

/** Some text of a part, which may be its first or its last; it may be empty. */
export interface Piece {
  part: Part;
  text: string;
  begins: boolean;
  ends: boolean;
}

/** Follows the model's tokens, whatever they are, and gives pieces of parts. */
export class Reply {
  readonly promptTokens: number;
  completionTokens = 0;
  hasCall = false;
  reason: Reason | null = null;
  readonly parser: StreamableParser;
  private readonly reasonedBefore: number;
  private readonly open = new Map<number, Part | null>();

  /** `fills`: calls whose arguments become `{}` if they are but white space. */
  constructor(
    encoding: HarmonyEncoding,
    private readonly prompt: Prompt,
    private readonly fills: readonly Kind[],
  ) {
    const tokens = prompt.tokens(encoding);
    this.promptTokens = tokens.length;
    this.parser = StreamableParser.after(encoding, tokens, { onError: "recover" });
    this.reasonedBefore = this.analysisTokens();
  }

  /** How many of the tokens fed are on channel analysis. */
  reasoningTokens(): number {
    return this.analysisTokens() - this.reasonedBefore;
  }

  private analysisTokens(): number {
    const count = this.parser.tokenCounts.get("analysis");
    return count ? count.header + count.content : 0;
  }

  feed(tokens: Tokens): Piece[] {
    if (this.reason !== null) {
      throw new HarmonyError("the reply is finished: no tokens can follow");
    }
    const segments = this.parser.feed(tokens);
    this.completionTokens += tokens.length;
    return this.pieces(segments);
  }

  finish(reason: Reason): Piece[] {
    if (!REASONS.includes(reason)) throw unknown("reason", reason, REASONS);
    if (this.reason !== null) throw new HarmonyError("the reply is finished already");
    this.reason = reason;
    const pieces = this.pieces(this.parser.finish());
    for (const { part } of pieces) part.interrupted = reason !== "stop";
    return pieces;
  }

  private pieces(segments: Segment[]): Piece[] {
    return segments.map((one) => this.piece(one)).filter((piece) => piece !== null);
  }

  private piece(segment: Segment): Piece | null {
    let part = this.open.get(segment.message);
    if (part === undefined) {
      part = this.part(segment);
      this.open.set(segment.message, part);
    }
    if (segment.finished) this.open.delete(segment.message);
    return part && this.ofPart(part, segment);
  }

  private ofPart(part: Part, segment: Segment): Piece | null {
    let { text } = segment;
    const ends = segment.finished;
    if (part.custom) {
      text = part.custom.feed(text) + (ends ? part.custom.finish() : "");
    } else if (this.fills.includes(part.kind)) {
      part.blank &&= BLANK.test(text);
      if (ends && part.blank) text += "{}";
    }
    const begins = !part.begun && (text !== "" || !isText(part.kind));
    part.begun ||= begins;
    if (!part.begun || !(text || begins || ends)) return null;
    part.text += text;
    return { part, text, begins, ends };
  }

  /** The part that a message begins; null if the reply has it not. */
  private part(segment: Segment): Part | null {
    if (segment.role !== "assistant") return null;
    const [kind, name] = this.classified(segment.recipient, segment.channel);
    if (!isText(kind)) {
      if (this.hasCall && !this.prompt.parallel) return null;
      this.hasCall = true;
    }
    return new Part(kind, name);
  }

  private classified(
    recipient: string | null,
    channel: string | null,
  ): [Kind, ClientName] {
    if (recipient === null || TO_THE_USER.includes(recipient)) {
      const kind = channel === "analysis" ? "reasoning" : "answer";
      return [channel === "commentary" ? "preamble" : kind, new ClientName("")];
    }
    const called = this.prompt.names.called(recipient);
    if (called) return [this.prompt.isCustom(called) ? "custom" : "call", called];
    const name = new ClientName(recipient);
    if (recipient === "python") return ["python", name];
    return [BROWSER.includes(recipient) ? "search" : "call", name];
  }
}

/** What both APIs' streams give besides chunks or events. */
export class ReplyStream {
  /** @internal */
  constructor(protected readonly reply: Reply) {}

  /** All messages that are finished, by whomever the model wrote them. */
  get messages(): ParsedMessage[] {
    return this.reply.parser.messages;
  }

  /** What was repaired in what the model wrote. */
  get warnings(): ParseWarning[] {
    return this.reply.parser.warnings;
  }

  /** Give the parser's memory back; it is given back by itself, but later. */
  free(): void {
    this.reply.parser.free();
  }
}

/** An id that no other call has: the prefix, `_` and 32 hex digits. */
export function newId(prefix: string): string {
  return `${prefix}_${crypto.randomUUID().replaceAll("-", "")}`;
}
