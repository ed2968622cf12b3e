/**
 * Conversations as plain objects, in the JSON form that the Python package's
 * `to_dict` gives: what their types are, and how they are checked.
 *
 * Keys are those of the JSON form, with underscores. Keys that are not known
 * are ignored. A wrong value is a `ValueError` that begins with its path.
 */
import { ValueError } from "./errors.js";
import { entriesOf, numberSource, shown } from "./json.js";

/** Who speaks in a message. */
export type Role = "user" | "assistant" | "system" | "developer" | "tool";

export const ROLES: readonly Role[] = [
  ...(["user", "assistant", "system", "developer", "tool"] as const),
];

/** How much the model is to think before it answers. */
export type ReasoningEffort = "Low" | "Medium" | "High";

/** A tool: what it does, and its parameters as a JSON schema. */
export interface ToolDescription {
  name: string;
  description?: string | null;
  parameters?: object | null;
}

/** Tools that belong together, under one name. */
export interface ToolNamespace {
  name: string;
  description?: string | null;
  tools?: ToolDescription[];
}

/** The channels a model may write on, and whether it has to name one. */
export interface ChannelConfig {
  valid_channels: string[];
  channel_required: boolean;
}

/** What the final answer has to be: JSON by a schema, under a name. */
export interface ResponseFormat {
  name: string;
  schema: object;
  description?: string | null;
}

/** Plain text, as users, assistants and tools write it. */
export interface TextContent {
  type: "text";
  text: string;
}

/**
 * The system prompt. A key that is absent has its default, which is what the
 * models were trained on; null leaves its part of the prompt out.
 */
export interface SystemContent {
  type: "system_content";
  model_identity?: string | null;
  reasoning_effort?: ReasoningEffort | Lowercase<ReasoningEffort> | null;
  conversation_start_date?: string | null;
  knowledge_cutoff?: string | null;
  channel_config?: ChannelConfig | null;
  tools?: Record<string, ToolNamespace> | null;
}

/** The developer prompt: instructions, tools, formats of the answer. */
export interface DeveloperContent {
  type: "developer_content";
  instructions?: string | null;
  tools?: Record<string, ToolNamespace> | null;
  response_formats?: ResponseFormat[] | null;
}

/** What a message can hold. */
export type Content = TextContent | SystemContent | DeveloperContent;

/** One message. `content` may be given as text; `role` and `name` as `author`. */
export interface Message {
  role: Role;
  name?: string | null;
  content: string | Content[];
  channel?: string | null;
  recipient?: string | null;
  content_type?: string | null;
}

/** A message as parsers give it: all its contents are texts. */
export interface ParsedMessage extends Message {
  name: string | null;
  content: TextContent[];
}

/** Messages in the order they were said. */
export interface Conversation {
  messages: Message[];
}

/** A message that was checked, with all that can be in it. */
export interface Checked {
  role: Role;
  name: string | null;
  contents: CheckedContent[];
  channel: string | null;
  recipient: string | null;
  contentType: string | null;
}

export interface CheckedSystem {
  type: "system_content";
  identity: string | null;
  effort: ReasoningEffort | null;
  date: string | null;
  cutoff: string | null;
  channels: ChannelConfig | null;
  tools: CheckedTools | null;
}

export interface CheckedDeveloper {
  type: "developer_content";
  instructions: string | null;
  tools: CheckedTools | null;
  formats: ResponseFormat[] | null;
}

export type CheckedContent = TextContent | CheckedSystem | CheckedDeveloper;
export type CheckedTools = Map<string, Required<ToolNamespace>>;

const IDENTITY = "You are ChatGPT, a large language model trained by OpenAI.";
const CUTOFF = "2024-06";
const CHANNELS = ["analysis", "commentary", "final"];
const EFFORTS: readonly ReasoningEffort[] = ["Low", "Medium", "High"];

/** The messages of a conversation, or of any list of messages. */
export function checkedMessages(conversation: unknown): Checked[] {
  let listed = conversation;
  if (!Array.isArray(conversation)) {
    const form = formOf(conversation);
    if (form === null || !("messages" in form)) {
      throw new ValueError(
        "conversation",
        `expected messages, or an object that has them, got ${shown(conversation)}`,
      );
    }
    listed = form["messages"];
  }
  return list("messages", listed).map((message, index) =>
    checkedMessage(`messages[${index}]`, message),
  );
}

/** One message; `where` is its path, or "" if it is all that was given. */
export function checkedMessage(where: string, value: unknown): Checked {
  const form = record(where || "message", value);
  const flat = "role" in form || !("author" in form);
  const author = flat ? form : record(step(where, "author"), form["author"]);
  const inAuthor = flat ? where : step(where, "author");
  required(inAuthor, author, "role");
  required(where, form, "content");
  return {
    role: checkedRole(step(inAuthor, "role"), author["role"]),
    name: optionalText(inAuthor, author, "name"),
    contents: checkedContents(step(where, "content"), form["content"]),
    channel: optionalText(where, form, "channel"),
    recipient: optionalText(where, form, "recipient"),
    contentType: optionalText(where, form, "content_type"),
  };
}

export function checkedRole(where: string, value: unknown): Role {
  if (ROLES.includes(value as Role)) return value as Role;
  throw unknown(where, "role", value, ROLES);
}

function checkedContents(where: string, value: unknown): CheckedContent[] {
  if (typeof value === "string") return [{ type: "text", text: value }];
  return list(where, value, "text or a list").map((item, index) =>
    checkedContent(`${where}[${index}]`, item),
  );
}

const KINDS: Record<
  Content["type"],
  (where: string, form: Record<string, unknown>) => CheckedContent
> = {
  text: (where, form) => ({ type: "text", text: text(where, form, "text") }),
  system_content: checkedSystem,
  developer_content: checkedDeveloper,
};

/** One content of a message. */
export function checkedContent(where: string, value: unknown): CheckedContent {
  const form = record(where || "content", value);
  required(where, form, "type");
  const kind = form["type"];
  if (typeof kind !== "string" || !Object.hasOwn(KINDS, kind)) {
    throw unknown(step(where, "type"), "content type", kind, Object.keys(KINDS));
  }
  return KINDS[kind as Content["type"]](where, form);
}

function checkedSystem(where: string, form: Record<string, unknown>): CheckedSystem {
  return {
    type: "system_content",
    identity:
      "model_identity" in form ? optionalText(where, form, "model_identity") : IDENTITY,
    effort:
      "reasoning_effort" in form ? effort(where, form["reasoning_effort"]) : "Medium",
    date: optionalText(where, form, "conversation_start_date"),
    cutoff:
      "knowledge_cutoff" in form
        ? optionalText(where, form, "knowledge_cutoff")
        : CUTOFF,
    channels:
      "channel_config" in form
        ? channels(step(where, "channel_config"), form["channel_config"])
        : { valid_channels: CHANNELS, channel_required: true },
    tools: checkedTools(step(where, "tools"), form["tools"]),
  };
}

function effort(where: string, value: unknown): ReasoningEffort | null {
  if (value === null) return null;
  const word = typeof value === "string" ? value.toLowerCase() : "";
  const known = EFFORTS.find((one) => one.toLowerCase() === word);
  if (known !== undefined) return known;
  throw unknown(step(where, "reasoning_effort"), "reasoning effort", value, EFFORTS);
}

function channels(where: string, value: unknown): ChannelConfig | null {
  if (value === null) return null;
  const form = record(where, value);
  required(where, form, "valid_channels");
  required(where, form, "channel_required");
  const inside = step(where, "valid_channels");
  const valid = list(inside, form["valid_channels"]);
  valid.forEach((channel, index) => {
    if (typeof channel !== "string")
      throw wrong(`${inside}[${index}]`, "text", channel);
  });
  const needed = form["channel_required"];
  if (typeof needed !== "boolean") {
    throw wrong(step(where, "channel_required"), "true or false", needed);
  }
  return { valid_channels: valid as string[], channel_required: needed };
}

function checkedDeveloper(
  where: string,
  form: Record<string, unknown>,
): CheckedDeveloper {
  const formats = form["response_formats"] ?? null;
  const inside = step(where, "response_formats");
  return {
    type: "developer_content",
    instructions: optionalText(where, form, "instructions"),
    tools: checkedTools(step(where, "tools"), form["tools"]),
    formats:
      formats &&
      list(inside, formats).map((format, index) =>
        checkedFormat(`${inside}[${index}]`, format),
      ),
  };
}

function checkedFormat(where: string, value: unknown): ResponseFormat {
  const form = record(where, value);
  required(where, form, "name");
  required(where, form, "schema");
  return {
    name: text(where, form, "name"),
    schema: schemaObject(step(where, "schema"), form["schema"]),
    description: optionalText(where, form, "description"),
  };
}

function checkedTools(where: string, value: unknown): CheckedTools | null {
  if (value === undefined || value === null) return null;
  const entries = entriesOf(value);
  if (entries === null) throw wrong(where, "an object of namespaces", value);
  return new Map(
    entries.map(([key, item]) => [key, checkedNamespace(step(where, key), item)]),
  );
}

function checkedNamespace(where: string, value: unknown): Required<ToolNamespace> {
  const form = record(where, value);
  required(where, form, "name");
  const inside = step(where, "tools");
  return {
    name: text(where, form, "name"),
    description: optionalText(where, form, "description"),
    tools: list(inside, form["tools"] ?? []).map((tool, index) =>
      checkedTool(`${inside}[${index}]`, tool),
    ),
  };
}

function checkedTool(where: string, value: unknown): ToolDescription {
  const form = record(where, value);
  required(where, form, "name");
  const parameters = form["parameters"] ?? null;
  return {
    name: text(where, form, "name"),
    description: optionalText(where, form, "description"),
    parameters: parameters && schemaObject(step(where, "parameters"), parameters),
  };
}

// Values

/** The path of a key in what stands at a path. */
export function step(where: string, key: string): string {
  if (/^[\p{XID_Start}_][\p{XID_Continue}]*$/u.test(key)) {
    return where ? `${where}.${key}` : key;
  }
  const quoted = JSON.stringify(key).slice(1, -1).replaceAll('\\"', '"');
  return `${where}['${quoted.replaceAll("'", "\\'")}']`;
}

/** An object with its keys, whichever kind of object it is; null if it is none. */
export function formOf(value: unknown): Record<string, unknown> | null {
  const entries = entriesOf(value);
  return entries && Object.fromEntries(entries);
}

function record(where: string, value: unknown): Record<string, unknown> {
  const form = formOf(value);
  if (form === null) throw wrong(where, "an object", value);
  return form;
}

function required(where: string, form: Record<string, unknown>, key: string): void {
  if (!(key in form)) throw new ValueError(step(where, key), "missing key");
}

function text(where: string, form: Record<string, unknown>, key: string): string {
  required(where, form, key);
  const value = form[key];
  if (typeof value !== "string") throw wrong(step(where, key), "text", value);
  return value;
}

function optionalText(
  where: string,
  form: Record<string, unknown>,
  key: string,
): string | null {
  const value = form[key] ?? null;
  if (value !== null && typeof value !== "string") {
    throw wrong(step(where, key), "text or null", value);
  }
  return value;
}

function list(where: string, value: unknown, expected = "a list"): unknown[] {
  if (!Array.isArray(value)) throw wrong(where, expected, value);
  return value;
}

const MAX_DEPTH = 200;
const LONGEST_PATH = 60;

/** An object that is JSON all through. */
export function schemaObject(where: string, value: unknown): object {
  if (entriesOf(value) === null) throw wrong(where, "an object", value);
  checkJson(where, value, 0);
  return value as object;
}

function checkJson(where: string, value: unknown, depth: number): void {
  if (value === null || typeof value === "string" || typeof value === "boolean") return;
  if (numberSource(value) !== null) return;
  if (depth > MAX_DEPTH) {
    const complaint = `nested deeper than ${MAX_DEPTH} levels`;
    throw new ValueError(`${where.slice(0, LONGEST_PATH)}…`, complaint);
  }
  if (Array.isArray(value)) {
    value.forEach((item, index) => checkJson(`${where}[${index}]`, item, depth + 1));
    return;
  }
  const entries = entriesOf(value);
  if (entries === null) throw wrong(where, "a JSON value", value);
  for (const [key, item] of entries) checkJson(step(where, key), item, depth + 1);
}

/** The complaint about a value of a wrong type. */
export function wrong(where: string, expected: string, value: unknown): ValueError {
  return new ValueError(where, `expected ${expected}, got ${shown(value)}`);
}

/** The complaint about a name that is none of the known ones. */
export function unknown(
  where: string,
  what: string,
  value: unknown,
  known: readonly string[],
): ValueError {
  const names = known.join(", ");
  return new ValueError(where, `unknown ${what} ${shown(value)} (known: ${names})`);
}
