/** `HarmonyEncoding`: text to tokens, conversations to tokens, tokens to messages. */
import {
  type Checked,
  checkedMessage,
  checkedMessages,
  checkedRole,
  type Conversation,
  type Message,
  type ParsedMessage,
  type Role,
} from "./contents.js";
import { readJson } from "./json.js";
import { type ParserOptions, StreamableParser } from "./parser.js";
import type { Schemas } from "./prompts.js";
import {
  type Ending,
  type RenderConfig,
  rendered,
  type Said,
  saidBy,
} from "./rendering.js";
import { allowedIds, type SpecialOptions } from "./special.js";
import {
  ASSISTANT_STOP_TOKENS,
  copied,
  type Machine,
  STOP_TOKENS,
  type Tokens,
} from "./wasm.js";

/** A conversation, its messages alone, or the JSON text of either. */
export type ConversationLike = Conversation | readonly Message[] | string;

/** What rendering a single message has to know of its conversation. */
export interface RenderOptions {
  /** Some developer message brings functions. */
  conversationHasFunctionTools?: boolean;
  /** How the parameters of tools are written: "reference" by default. */
  schemas?: Schemas;
}

/**
 * The encoding of gpt-oss models, `o200k_harmony`. Get one from
 * `loadHarmonyEncoding`. It never changes.
 */
export class HarmonyEncoding {
  /** The name of the encoding. */
  readonly name = "HarmonyGptOss";
  /** @internal */
  readonly machine: Machine;
  /** @internal The texts of tokens, as far as parsers know them. */
  readonly texts = new Map<number, string | null>();
  private special: ReadonlyMap<string, number> | null = null;

  /** @internal */
  constructor(machine: Machine) {
    this.machine = machine;
  }

  /** The version of the library. */
  get version(): string {
    return this.machine.version;
  }

  // Special tokens

  /** The ids of all special tokens by their texts, `<|start|>` among them. */
  get specialTokens(): ReadonlyMap<string, number> {
    return (this.special ??= this.machine.specialTokens());
  }

  /** Tell whether an id is that of a special token. */
  isSpecialToken(token: number): boolean {
    return this.machine.isSpecialToken(token);
  }

  /** The ids at which generation stops: return, end and call. */
  stopTokens(): number[] {
    return [...STOP_TOKENS];
  }

  /** The ids at which the assistant has done something: return and call. */
  stopTokensForAssistantActions(): number[] {
    return [...ASSISTANT_STOP_TOKENS];
  }

  // Text

  /**
   * The tokens of text. Text that spells a special token of `allowedSpecial`
   * becomes that token; another one of `disallowedSpecial` is an `EncodeError`.
   * Lone surrogates are encoded as U+FFFD.
   *
   *     encoding.encode("hello world")                                // [24912, 2375]
   *     encoding.encode("<|end|>", {allowedSpecial: ["<|end|>"]})     // [200007]
   *     encoding.encode("<|end|>", {disallowedSpecial: []}).length    // 5
   */
  encode(text: string, options: SpecialOptions = {}): number[] {
    return this.machine.encode(text, this.allowed(text, options), copied);
  }

  /** The same as an array of int32. */
  encodeToArray(text: string, options: SpecialOptions = {}): Int32Array {
    const allowed = this.allowed(text, options);
    return this.machine.encode(text, allowed, (words, start, count) =>
      words.slice(start, start + count),
    );
  }

  /** How many tokens a text has, without making them. */
  count(text: string, options: SpecialOptions = {}): number {
    return this.machine.count(text, this.allowed(text, options));
  }

  private allowed(text: string, options: SpecialOptions): number[] {
    if (typeof text !== "string") {
      throw new TypeError(`text: expected a string, got ${String(text)}`);
    }
    const { allowedSpecial, disallowedSpecial } = options;
    const usual = disallowedSpecial === undefined || disallowedSpecial === "all";
    if (usual && !text.includes("<")) return [];
    if (allowedSpecial === undefined && isEmpty(disallowedSpecial)) return [];
    return allowedIds(this.machine, this.specialTokens, text, options);
  }

  /**
   * The text of tokens, with U+FFFD for bytes that are not UTF-8. Throws a
   * `DecodeError` for an id outside the vocabulary.
   */
  decode(tokens: Tokens): string {
    return this.machine.decode(tokens, false);
  }

  /** The text of tokens; a `DecodeError` if it is not valid UTF-8. */
  decodeUtf8(tokens: Tokens): string {
    return this.machine.decode(tokens, true);
  }

  /** The bytes of tokens. */
  decodeBytes(tokens: Tokens): Uint8Array {
    return this.machine.decodeBytes(tokens);
  }

  // Rendering

  /** The tokens of one message. Throws a `RenderError` if it has no token form. */
  render(message: Message, options: RenderOptions = {}): number[] {
    const functionTools = Boolean(options.conversationHasFunctionTools);
    const messages = [checkedMessage("", message)];
    const said = saidBy(messages, functionTools, options.schemas);
    return this.renderSaid(said, { dropAnalysis: "never" }, {});
  }

  /** The tokens of a conversation's messages. */
  renderConversation(
    conversation: ConversationLike,
    config: RenderConfig = {},
  ): number[] {
    return this.renderSaid(said(conversation, config), config, {});
  }

  /** A prompt: the conversation, then the beginning of the next message. */
  renderConversationForCompletion(
    conversation: ConversationLike,
    nextRole: Role,
    config: RenderConfig = {},
  ): number[] {
    checkedRole("nextRole", nextRole);
    return this.renderSaid(said(conversation, config), config, { nextRole });
  }

  /** A prompt that ends inside the last message, which is to go on. */
  renderConversationForContinuation(
    conversation: ConversationLike,
    config: RenderConfig = {},
  ): number[] {
    return this.renderSaid(said(conversation, config), config, { openLast: true });
  }

  /**
   * The tokens of a conversation to train on: if the very last message is the
   * assistant's on channel final, it ends with `<|return|>`.
   */
  renderConversationForTraining(
    conversation: ConversationLike,
    config: RenderConfig = {},
  ): number[] {
    return this.renderSaid(said(conversation, config), config, { training: true });
  }

  /** @internal */
  renderSaid(said: Said[], config: RenderConfig, ending: Ending): number[] {
    return rendered(this.machine, said, config, ending);
  }

  // Parsing

  /**
   * The messages that tokens stand for. `role`: who writes the first one, if the
   * tokens begin inside its header, as a completion does; null if they begin
   * with `<|start|>`. Throws a `ParseError`, but not with `onError: "recover"`.
   */
  parse(
    tokens: Tokens,
    role: Role | null = null,
    options: ParserOptions = {},
  ): ParsedMessage[] {
    const parser = new StreamableParser(this, role, options);
    try {
      return parser.parseAll(tokens);
    } finally {
      parser.free();
    }
  }
}

function said(conversation: ConversationLike, { schemas }: RenderConfig): Said[] {
  const given: unknown =
    typeof conversation === "string" ? readJson(conversation) : conversation;
  const messages: Checked[] = checkedMessages(given);
  return saidBy(messages, null, schemas);
}

function isEmpty(choice: SpecialOptions["disallowedSpecial"]): boolean {
  return Array.isArray(choice) && choice.length === 0;
}
