/** Chat completions: requests to prompts, what the model writes to replies. */
import type { HarmonyEncoding } from "./encoding.js";
import { HarmonyError, ValueError } from "./errors.js";
import { shown } from "./json.js";
import {
  bodyOf,
  content,
  entries,
  flag,
  type Form,
  get,
  optionalText,
  placed,
  required,
  table,
  text,
  unknown,
} from "./openai/fields.js";
import {
  assistantText,
  callOf,
  customArguments,
  type Entry,
  functionArguments,
  History,
  Instruction,
  namedResult,
  resultOf,
  userText,
} from "./openai/history.js";
import { ClientName } from "./openai/names.js";
import {
  checkedOptions,
  Prompt,
  type PromptOptions,
  readEffort,
  readFormat,
  readParallel,
} from "./openai/prompt.js";
import {
  isText,
  newId,
  type Part,
  type Piece,
  type Reason,
  Reply,
  ReplyStream,
} from "./openai/reply.js";
import { BUILTIN, type BuiltinTool, readChoice, readTools } from "./openai/tools.js";
import type { Tokens } from "./wasm.js";

export type { BuiltinTool, Prompt, PromptOptions, Reason };
export type { ToolNames } from "./openai/names.js";

/** The options of `prompt`. */
export interface ChatPromptOptions extends PromptOptions {
  /** Tools that the model knows by itself; they stand in the system message. */
  builtinTools?: readonly BuiltinTool[];
}

const REASONING_KEYS = ["reasoning", "reasoning_content", "thinking"];

/**
 * What the body of a chat completion request becomes: an object, or JSON text,
 * which keeps what JavaScript would lose of numbers.
 *
 *     const {tokens} = prompt({messages: [{role: "user", content: "Rome?"}]});
 *
 * Throws a `ValueError` that begins with the path to what is wrong.
 */
export function prompt(
  request: object | string,
  { builtinTools = [], ...given }: ChatPromptOptions = {},
): Prompt {
  const options = checkedOptions(given);
  const builtin = checkedBuiltin(builtinTools);
  const form = bodyOf(request);
  const tools = readTools(get(form, "tools"), true, options);
  const names = tools.names.copy();
  const history = new History(names, options.header);
  const messages = readMessages(history, get(form, "messages"));
  const settings = {
    effort: readEffort("reasoning_effort", get(form, "reasoning_effort")),
    format: readFormat("response_format", get(form, "response_format"), true),
    choice: readChoice(get(form, "tool_choice"), tools),
    parallel: readParallel(get(form, "parallel_tool_calls")),
    open: flag("continue_final_message", form["continue_final_message"]),
  };
  if (settings.open) checkGoesOn(table("messages", messages.at(-1)));
  const { skipped } = tools;
  return new Prompt({
    request: form,
    options,
    tools,
    builtin,
    history,
    names,
    settings,
    skipped,
  });
}

function checkedBuiltin(names: readonly BuiltinTool[]): BuiltinTool[] {
  for (const [place, name] of placed("builtinTools", names)) {
    if (typeof name !== "string" || !Object.hasOwn(BUILTIN, name)) {
      throw unknown(place, name, Object.keys(BUILTIN));
    }
  }
  return [...new Set(names)];
}

function readMessages(history: History, value: unknown): readonly unknown[] {
  const messages = entries("messages", value);
  if (!messages.length) throw new ValueError("messages", "there are none");
  messages.forEach((message, index) => {
    const place = `messages[${index}]`;
    history.enter(place, readMessage(place, message));
  });
  return messages;
}

type Reader = (place: string, message: Form) => Entry[] | Instruction;

const READERS: Record<string, Reader> = {
  system: readInstructions,
  developer: readInstructions,
  user: (place, message) => [userText(content(place, message, "content"))],
  assistant: readAssistant,
  tool: readResult,
};

function readMessage(place: string, item: unknown): Entry[] | Instruction {
  const message = table(place, item);
  const role = required(place, message, "role");
  if (typeof role !== "string" || !Object.hasOwn(READERS, role)) {
    throw unknown(`${place}.role`, role, Object.keys(READERS));
  }
  return READERS[role]!(place, message);
}

function readInstructions(place: string, message: Form): Instruction {
  return new Instruction(content(place, message, "content"));
}

function readAssistant(place: string, message: Form): Entry[] {
  for (const key of ["function_call", "audio"]) {
    if (get(message, key) !== null) {
      throw new ValueError(`${place}.${key}`, "this can't be said to the model");
    }
  }
  const listed = placed(`${place}.tool_calls`, message["tool_calls"]);
  const calls = listed.map(([where, call]) =>
    readCall(where, where.slice(place.length), call),
  );
  return [
    ...assistantText(reasoningOf(place, message), "analysis"),
    ...assistantText(saidBy(place, message), calls.length ? "commentary" : "final"),
    ...calls,
  ];
}

/** The first text under any of the names that reasoning has. */
function reasoningOf(place: string, message: Form): string {
  const found = REASONING_KEYS.map((key) => optionalText(place, message, key));
  return found.find(Boolean) ?? "";
}

function saidBy(place: string, message: Form): string {
  const said =
    get(message, "content") === null ? "" : content(place, message, "content");
  const refusal = optionalText(place, message, "refusal");
  return said || refusal || "";
}

function readCall(given: string, inside: string, item: unknown): Entry {
  const call = table(given, item);
  const kind = get(call, "type") ?? "function";
  if (kind !== "function" && kind !== "custom") {
    throw unknown(`${given}.type`, kind, ["function", "custom"]);
  }
  const id = optionalText(given, call, "id");
  const inner = required(given, call, kind);
  const place = `${given}.${kind}`;
  const called = table(place, inner);
  const name = new ClientName(text(place, called, "name"));
  const written =
    kind === "custom"
      ? customArguments(text(place, called, "input"))
      : functionArguments(place, called);
  return callOf(id, name, written, `${inside}.${kind}.name`);
}

function readResult(place: string, message: Form): Entry[] {
  const result =
    get(message, "content") === null ? "" : content(place, message, "content");
  const id = optionalText(place, message, "tool_call_id");
  if (id !== null) return [resultOf(id, result, "tool_call_id")];
  const name = optionalText(place, message, "name");
  if (name === null) {
    const complaint = "missing, and there is no name either";
    throw new ValueError(`${place}.tool_call_id`, complaint);
  }
  return [namedResult(name, result)];
}

function checkGoesOn(message: Form): void {
  let complaint: string;
  if (message["role"] !== "assistant") {
    complaint = "the last message is not the assistant's";
  } else if (entries("messages", message["tool_calls"]).length) {
    complaint = "the last message has calls";
  } else if (!saidBy("messages", message) && !reasoningOf("messages", message)) {
    complaint = "the last message has nothing to go on from";
  } else return;
  throw new ValueError("continue_final_message", complaint);
}

// Replies

/** The options of `ChatStream`. */
export interface ChatStreamOptions {
  /** Of the completion; choices of one request share it. */
  id?: string;
  /** The model's name; by default that of the request. */
  model?: string;
  /** Seconds since 1970; by default now. */
  created?: number;
  /** Which choice of the request this is. */
  index?: number;
  /** The key, or keys, of reasoning; "reasoning" by default. */
  reasoningField?: string | readonly string[];
  /** A last chunk has the usage. */
  includeUsage?: boolean;
  /** Makes an id from a prefix, `chatcmpl` or `call`. */
  newId?: (prefix: string) => string;
}

type Json = Record<string, unknown>;

/**
 * The reply to a prompt, whole: a `chat.completion`. `tokens`: what the model
 * wrote, with or without the stop token. Nothing the model writes is an error.
 */
export function completion(
  encoding: HarmonyEncoding,
  prompt: Prompt,
  tokens: Tokens,
  { reason = "stop", ...options }: ChatStreamOptions & { reason?: Reason } = {},
): Json {
  const stream = new ChatStream(encoding, prompt, options);
  stream.feed(tokens);
  stream.finish(reason);
  const whole = stream.completion();
  stream.free();
  return whole;
}

const FILLED = ["call", "python", "search"] as const;
const TAKEN_FIELDS = ["role", "content", "refusal", "tool_calls"];

/**
 * The reply to a prompt as chunks, while the model writes it. Text in chunks is
 * never empty and never taken back.
 *
 *     for await (const tokens of engine(prompt.tokens(encoding)))
 *       for (const chunk of stream.feed(tokens)) send(chunk);
 *     for (const chunk of stream.finish("stop")) send(chunk);
 */
export class ChatStream extends ReplyStream {
  private readonly fields: readonly string[];
  private readonly newId: (prefix: string) => string;
  private readonly index: number;
  private readonly includeUsage: boolean;
  private readonly head: { id: string; created: number; model: unknown };
  private hasRole = false;
  private reasoning = "";
  private content = "";
  private readonly calls: Json[] = [];
  private readonly parts = new Map<Part, number>();

  constructor(
    encoding: HarmonyEncoding,
    prompt: Prompt,
    options: ChatStreamOptions = {},
  ) {
    const fields = reasoningFields(options.reasoningField ?? "reasoning");
    super(new Reply(encoding, prompt, FILLED));
    this.fields = fields;
    this.newId = options.newId ?? newId;
    this.index = options.index ?? 0;
    this.includeUsage = options.includeUsage ?? false;
    this.head = {
      id: options.id ?? this.newId("chatcmpl"),
      created: options.created ?? Math.floor(Date.now() / 1000),
      model: options.model || prompt.request["model"] || "",
    };
  }

  /** Take some tokens; return the `chat.completion.chunk` they give. */
  feed(tokens: Tokens): Json[] {
    return this.chunks(this.reply.feed(tokens));
  }

  /** Take the end of the stream, and why it ended; return the last chunks. */
  finish(reason: Reason = "stop"): Json[] {
    const chunks = this.chunks(this.reply.finish(reason));
    chunks.push(this.chunk({}, this.finishReason()));
    if (this.includeUsage) {
      const last = this.ofKind("chat.completion.chunk");
      chunks.push({ ...last, choices: [], usage: this.usage() });
    }
    return chunks;
  }

  /** The whole reply, a `chat.completion`, after `finish`. */
  completion(): Json {
    const choice = {
      index: this.index,
      message: this.message(),
      finish_reason: this.finishReason(),
      logprobs: null,
    };
    const whole = this.ofKind("chat.completion");
    return { ...whole, choices: [choice], usage: this.usage() };
  }

  private message(): Json {
    const message: Json = {
      role: "assistant",
      content: this.content || null,
      refusal: null,
    };
    for (const field of this.fields) message[field] = this.reasoning || null;
    if (this.calls.length) {
      const parts = [...this.parts.keys()];
      message["tool_calls"] = this.calls.map((call, at) => wholeCall(call, parts[at]!));
    }
    return message;
  }

  private finishReason(): string {
    const { reason } = this.reply;
    if (reason === null) {
      throw new HarmonyError("the reply is not finished: call finish() first");
    }
    return reason === "stop" && this.calls.length ? "tool_calls" : reason;
  }

  private usage(): Json {
    const { promptTokens: asked, completionTokens: written } = this.reply;
    return {
      prompt_tokens: asked,
      completion_tokens: written,
      total_tokens: asked + written,
      completion_tokens_details: {
        reasoning_tokens: this.reply.reasoningTokens(),
      },
    };
  }

  private ofKind(object: string): Json {
    const { id, created, model } = this.head;
    return { id, object, created, model };
  }

  private chunk(delta: Json, finishReason: string | null = null): Json {
    const { index } = this;
    const choice = { index, delta, finish_reason: finishReason, logprobs: null };
    const chunk: Json = {
      ...this.ofKind("chat.completion.chunk"),
      choices: [choice],
    };
    if (this.includeUsage) chunk["usage"] = null;
    return chunk;
  }

  private chunks(pieces: Piece[]): Json[] {
    const deltas: Json[] = [];
    if (!this.hasRole) {
      this.hasRole = true;
      deltas.push({ role: "assistant", content: "" });
    }
    for (const piece of pieces) {
      const given = isText(piece.part.kind);
      deltas.push(...(given ? this.textDeltas(piece) : this.callDeltas(piece)));
    }
    return deltas.map((delta) => this.chunk(delta));
  }

  private textDeltas({ part, text, begins }: Piece): Json[] {
    if (!text) return [];
    const which = part.kind === "reasoning" ? "reasoning" : "content";
    const said = begins && this[which] ? `\n${text}` : text;
    this[which] += said;
    const fields = which === "reasoning" ? this.fields : ["content"];
    return [Object.fromEntries(fields.map((field) => [field, said]))];
  }

  private callDeltas({ part, text, begins }: Piece): Json[] {
    const [type, written] = callFields(part);
    const deltas: Json[] = [];
    if (begins) {
      const index = this.calls.length;
      const call = { id: this.newId("call"), type };
      this.parts.set(part, index);
      this.calls.push(call);
      const opening = { [type]: { name: part.name.joined, [written]: "" } };
      deltas.push({ tool_calls: [{ index, ...call, ...opening }] });
    }
    if (text) {
      const more = { index: this.parts.get(part), [type]: { [written]: text } };
      deltas.push({ tool_calls: [more] });
    }
    return deltas;
  }
}

function callFields(part: Part): [string, string] {
  return part.kind === "custom" ? ["custom", "input"] : ["function", "arguments"];
}

function wholeCall(call: Json, part: Part): Json {
  const [kind, written] = callFields(part);
  return { ...call, [kind]: { name: part.name.joined, [written]: part.text } };
}

function reasoningFields(names: string | readonly string[]): readonly string[] {
  const fields = typeof names === "string" ? [names] : [...names];
  if (!fields.length || !fields.every((name) => typeof name === "string" && name)) {
    const complaint = `expected a name or several, got ${shown(names)}`;
    throw new ValueError("reasoningField", complaint);
  }
  if (fields.some((name) => TAKEN_FIELDS.includes(name))) {
    const complaint = `${shown(names)} is another field of the message`;
    throw new ValueError("reasoningField", complaint);
  }
  return fields;
}
