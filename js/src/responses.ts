/** The Responses API: requests to prompts, what the model writes to responses. */
import { wrong } from "./contents.js";
import type { HarmonyEncoding } from "./encoding.js";
import { HarmonyError, ValueError } from "./errors.js";
import { shown } from "./json.js";
import {
  bodyOf,
  content,
  entries,
  type Form,
  get,
  optionalText,
  partText,
  placed,
  REASONING_PARTS,
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
  pythonCall,
  resultOf,
  userText,
} from "./openai/history.js";
import { type Event, type Item, isStreamed, itemOf } from "./openai/items.js";
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
  newId,
  type Part,
  type Piece,
  type Reason,
  Reply,
  ReplyStream,
} from "./openai/reply.js";
import { readChoice, readTools } from "./openai/tools.js";
import type { Tokens } from "./wasm.js";

export type { Event, Prompt, PromptOptions, Reason };
export type { ToolNames } from "./openai/names.js";

/** The options of `prompt`. */
export interface ResponsesPromptOptions extends PromptOptions {
  /** The input and output items of the responses that it goes on from, in order. */
  previous?: readonly object[];
}

const ROLES = ["user", "assistant", "system", "developer"];

/**
 * What the body of a Responses request becomes: an object, or JSON text, which
 * keeps what JavaScript would lose of numbers.
 *
 * Throws a `ValueError` that begins with the path to what is wrong in the request,
 * or in `previous`.
 */
export function prompt(
  request: object | string,
  { previous = [], ...given }: ResponsesPromptOptions = {},
): Prompt {
  const options = checkedOptions(given);
  const form = bodyOf(request);
  const tools = readTools(get(form, "tools"), false, options);
  const names = tools.names.copy();
  const history = new History(names, options.header);
  readInstructions(get(form, "instructions"), history);
  const skip = options.unknownTools === "skip";
  const skipped = [
    ...tools.skipped,
    ...readItems("previous", previous, history, skip),
    ...readInput(get(form, "input"), history, skip),
  ];
  const reasoning = table("reasoning", get(form, "reasoning") ?? {});
  const format = table("text", get(form, "text") ?? {});
  const settings = {
    effort: readEffort("reasoning.effort", get(reasoning, "effort")),
    format: readFormat("text.format", get(format, "format"), false),
    choice: readChoice(get(form, "tool_choice"), tools),
    parallel: readParallel(get(form, "parallel_tool_calls")),
    open: false,
  };
  const { builtin } = tools;
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

function readInstructions(value: unknown, history: History): void {
  if (value === null) return;
  if (typeof value !== "string") throw wrong("instructions", "text", value);
  history.instruct(value);
}

/** Read `input`: a text by the user, or items; see `readItems`. */
function readInput(value: unknown, history: History, skip: boolean): string[] {
  if (typeof value === "string") {
    history.enter("input", [userText(value)]);
    return [];
  }
  if (!entries("input", value).length) throw new ValueError("input", "there is none");
  return readItems("input", value, history, skip);
}

/**
 * Read items; return the types of those that nobody here knows. `skip`: these are
 * left out; else they are an error.
 */
function readItems(
  place: string,
  value: unknown,
  history: History,
  skip: boolean,
): string[] {
  const skipped: string[] = [];
  for (const [where, given] of placed(place, value)) {
    const item = table(where, given);
    const kind = kindOf(item);
    if (typeof kind === "string" && Object.hasOwn(READERS, kind)) {
      history.enter(where, READERS[kind]!(where, item));
    } else if (skip && typeof kind === "string") skipped.push(kind);
    else {
      const complaint = `${shown(kind)} is no item that is known here`;
      throw new ValueError(`${where}.type`, complaint);
    }
  }
  return skipped;
}

function kindOf(item: Form): unknown {
  const kind = get(item, "type");
  return kind === null && Object.hasOwn(item, "role") ? "message" : kind;
}

type Reader = (place: string, item: Form) => Entry[] | Instruction;

const READERS: Record<string, Reader> = {
  message: readMessage,
  reasoning: readReasoning,
  function_call: (place, item) => readCall(place, item, functionArguments(place, item)),
  function_call_output: readOutput,
  custom_tool_call: (place, item) =>
    readCall(place, item, customArguments(text(place, item, "input"))),
  custom_tool_call_output: readOutput,
  code_interpreter_call: readPython,
  web_search_call: () => [], // it has nothing for the model: no results
};

function readMessage(place: string, item: Form): Entry[] | Instruction {
  const role = required(place, item, "role");
  if (!ROLES.includes(role as string)) throw unknown(`${place}.role`, role, ROLES);
  const said = content(place, item, "content");
  if (role === "system" || role === "developer") return new Instruction(said);
  if (role === "user") return [userText(said)];
  const phase = get(item, "phase");
  if (phase !== null && phase !== "commentary" && phase !== "final_answer") {
    throw unknown(`${place}.phase`, phase, ["commentary", "final_answer"]);
  }
  return assistantText(said, phase === "commentary" ? "commentary" : "final");
}

function readReasoning(place: string, item: Form): Entry[] {
  if (get(item, "content") === null) return [];
  return assistantText(content(place, item, "content", REASONING_PARTS), "analysis");
}

function readCall(place: string, item: Form, written: string): Entry[] {
  const namespace = optionalText(place, item, "namespace");
  const name = new ClientName(text(place, item, "name"), namespace);
  return [callOf(text(place, item, "call_id"), name, written, ".name")];
}

function readOutput(place: string, item: Form): Entry[] {
  const output = content(place, item, "output");
  return [resultOf(text(place, item, "call_id"), output, "call_id")];
}

function readPython(place: string, item: Form): Entry[] {
  const outputs = get(item, "outputs");
  if (outputs === null) return [];
  const logs = placed(`${place}.outputs`, outputs).map(([where, output]) =>
    partText(where, output, { logs: "logs" }),
  );
  return pythonCall(optionalText(place, item, "code") ?? "", logs.join("\n"));
}

// Replies

/** The options of `ResponseStream`. */
export interface ResponseStreamOptions {
  /** Of the response. */
  id?: string;
  /** The model's name; by default that of the request. */
  model?: string;
  /** Seconds since 1970; by default now. */
  createdAt?: number;
  /** Makes an id from a prefix: `resp`, `rs`, `msg`, `fc`, `call`, `ctc`, `ci`, `ws`. */
  newId?: (prefix: string) => string;
}

type Json = Record<string, unknown>;

const REPEATED = [
  ...["instructions", "metadata", "reasoning", "text", "temperature", "top_p"],
  ...["max_output_tokens", "previous_response_id"],
];
const INCOMPLETE = { length: "max_output_tokens", content_filter: "content_filter" };

/**
 * The reply to a prompt, whole: a `response`. `tokens`: what the model wrote, with
 * or without the stop token. Nothing the model writes is an error.
 */
export function response(
  encoding: HarmonyEncoding,
  prompt: Prompt,
  tokens: Tokens,
  { reason = "stop", ...options }: ResponseStreamOptions & { reason?: Reason } = {},
): Json {
  const stream = new ResponseStream(encoding, prompt, options);
  stream.feed(tokens);
  stream.finish(reason);
  const whole = stream.response();
  stream.free();
  return whole;
}

/**
 * The reply to a prompt as events, while the model writes it. One message of the
 * model is one item of the output.
 */
export class ResponseStream extends ReplyStream {
  private readonly request: Json;
  private readonly newId: (prefix: string) => string;
  private readonly head: Json;
  private readonly items: Item[] = [];
  private readonly places = new Map<Part, number>();
  private number = 0;
  private started = false;

  constructor(
    encoding: HarmonyEncoding,
    prompt: Prompt,
    options: ResponseStreamOptions = {},
  ) {
    super(new Reply(encoding, prompt, ["call"]));
    this.request = prompt.request;
    this.newId = options.newId ?? newId;
    this.head = {
      id: options.id ?? this.newId("resp"),
      object: "response",
      created_at: options.createdAt ?? Math.floor(Date.now() / 1000),
      model: options.model || prompt.request["model"] || "",
    };
  }

  /** The first two events, before any token; `feed` gives them too. */
  start(): Event[] {
    if (this.started) throw new HarmonyError("the response is started already");
    this.started = true;
    return ["response.created", "response.in_progress"].map((type) =>
      this.event({ type, response: this.whole() }),
    );
  }

  /** Take some tokens; return the events they give. */
  feed(tokens: Tokens): Event[] {
    return this.events(this.reply.feed(tokens));
  }

  /** Take the end of the stream, and why it ended; return the last events. */
  finish(reason: Reason = "stop"): Event[] {
    const events = this.events(this.reply.finish(reason));
    const last = reason === "stop" ? "completed" : "incomplete";
    const end = { type: `response.${last}`, response: this.whole() };
    return [...events, this.event(end)];
  }

  /** The whole reply, after `finish`. */
  response(): Json {
    if (this.reply.reason === null) {
      throw new HarmonyError("the response is not finished: call finish() first");
    }
    return this.whole();
  }

  private event(event: Event): Event {
    return { ...event, sequence_number: this.number++ };
  }

  private events(pieces: Piece[]): Event[] {
    const events = this.started ? [] : this.start();
    for (const piece of pieces) {
      for (const event of this.ofPiece(piece)) events.push(this.event(event));
    }
    return events;
  }

  private *ofPiece({ part, text, begins, ends }: Piece): Generator<Event> {
    if (isStreamed(part.kind) ? begins : ends) yield* this.begin(part);
    const place = this.places.get(part);
    if (place === undefined) return;
    const item = this.items[place]!;
    const about = { output_index: place, item_id: item.id };
    const delta = text ? item.delta(text) : null;
    if (delta) yield { ...delta, ...about };
    if (!ends) return;
    for (const event of item.closing()) yield { ...event, ...about };
    const whole = item.whole(statusOf(part));
    yield { type: "response.output_item.done", output_index: place, item: whole };
  }

  private *begin(part: Part): Generator<Event> {
    const place = this.items.length;
    const item = itemOf(part, this.newId);
    this.places.set(part, place);
    this.items.push(item);
    const whole = item.whole("in_progress");
    yield { type: "response.output_item.added", output_index: place, item: whole };
    const about = { output_index: place, item_id: item.id };
    for (const event of item.opening()) yield { ...event, ...about };
  }

  /** The response as it is now. */
  private whole(): Json {
    const { request } = this;
    const { reason } = this.reply;
    const done = reason === null ? [] : this.items;
    const whole: Json = {
      ...this.head,
      error: null,
      incomplete_details: null,
      status: reason === null ? "in_progress" : "completed",
      output: done.map((item) => item.whole(statusOf(item.part))),
      tools: request["tools"] || [],
      tool_choice: request["tool_choice"] || "auto",
      parallel_tool_calls: request["parallel_tool_calls"] ?? true,
    };
    if (reason !== null && reason !== "stop") {
      whole["status"] = "incomplete";
      whole["incomplete_details"] = { reason: INCOMPLETE[reason] };
    }
    for (const key of REPEATED) {
      if (Object.hasOwn(request, key)) whole[key] = request[key];
    }
    whole["usage"] = reason === null ? null : this.usage();
    return whole;
  }

  private usage(): Json {
    const { promptTokens: asked, completionTokens: written } = this.reply;
    return {
      input_tokens: asked,
      input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
      output_tokens: written,
      output_tokens_details: { reasoning_tokens: this.reply.reasoningTokens() },
      total_tokens: asked + written,
    };
  }
}

function statusOf(part: Part): string {
  return part.interrupted ? "incomplete" : "completed";
}
