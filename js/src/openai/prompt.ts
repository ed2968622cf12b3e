/** `Prompt`: what the model is given, and how its reply is to be understood. */
import type {
  CheckedSystem,
  Content,
  Conversation,
  DeveloperContent,
  Message,
  ReasoningEffort,
  ResponseFormat,
  SystemContent,
} from "../contents.js";
import { checkedContent, schemaObject, wrong } from "../contents.js";
import type { HarmonyEncoding } from "../encoding.js";
import { developerSections, type Schemas, SCHEMAS, systemText } from "../prompts.js";
import type { DropAnalysis, RenderConfig, Said } from "../rendering.js";
import {
  flag,
  type Form,
  optionalText,
  required,
  table,
  text,
  unknown,
} from "./fields.js";
import type { Header, History } from "./history.js";
import type { ClientName, ToolNames } from "./names.js";
import {
  BUILTIN,
  type BuiltinTool,
  type Choice,
  type Tools,
  type UnknownTools,
} from "./tools.js";

/** What a server decides for all requests. */
export interface PromptOptions {
  /** What day it is for the model, such as "2025-06-28"; by default today, local. */
  date?: string | null;
  /** Which reasoning is left out; by default "per_turn". */
  dropAnalysis?: DropAnalysis;
  /** Calls as the chat template writes them, or as the model itself does. */
  header?: Header;
  /** false: names of tools stay as they are. */
  renameTools?: boolean;
  /** Tools of other types are an error, or left out and in `skippedTools`. */
  unknownTools?: UnknownTools;
  /** How the parameters of tools are written: "reference" by default. */
  schemas?: Schemas;
  modelIdentity?: string | null;
  knowledgeCutoff?: string | null;
}

const EFFORTS: Record<string, ReasoningEffort> = {
  none: "Low",
  minimal: "Low",
  low: "Low",
  medium: "Medium",
  high: "High",
  xhigh: "High",
  max: "High",
};

export type Options = Required<PromptOptions>;

/** The options with their defaults. Throws a `ValueError` for a wrong one. */
export function checkedOptions(given: PromptOptions): Options {
  const options: Options = {
    date: given.date ?? null,
    dropAnalysis: given.dropAnalysis ?? "per_turn",
    header: given.header ?? "template",
    renameTools: given.renameTools ?? true,
    unknownTools: given.unknownTools ?? "error",
    schemas: given.schemas ?? "reference",
    modelIdentity: given.modelIdentity ?? null,
    knowledgeCutoff: given.knowledgeCutoff ?? null,
  };
  for (const name of ["date", "modelIdentity", "knowledgeCutoff"] as const) {
    const value: unknown = options[name];
    if (value !== null && typeof value !== "string") {
      throw wrong(name, "text or null", value);
    }
  }
  const choices: Record<string, readonly string[]> = {
    dropAnalysis: ["never", "upstream", "per_turn"],
    header: ["template", "model"],
    unknownTools: ["error", "skip"],
    schemas: SCHEMAS,
  };
  for (const name of ["dropAnalysis", "header", "unknownTools", "schemas"] as const) {
    const known = choices[name]!;
    if (!known.includes(options[name])) {
      throw unknown(name, options[name], known);
    }
  }
  if (typeof options.renameTools !== "boolean") {
    throw wrong("renameTools", "true or false", options.renameTools);
  }
  return options;
}

/** What a request says besides messages and tools. */
export interface Settings {
  effort: ReasoningEffort;
  format: ResponseFormat | null;
  choice: Choice;
  parallel: boolean;
  open: boolean;
}

/** What a prompt is made of. */
export interface Parts {
  request: Form;
  options: Options;
  tools: Tools;
  builtin: readonly BuiltinTool[];
  history: History;
  names: ToolNames;
  settings: Settings;
  skipped: string[];
}

/** What a request becomes. */
export class Prompt {
  /** What it was made of. */
  readonly request: Record<string, unknown>;
  /** The tools by the client's and the model's names. */
  readonly names: ToolNames;
  /** The last message goes on. */
  readonly open: boolean;
  /** The reply has to have a call: for the server's grammar. */
  readonly mustCall: boolean;
  /** Of which tools, by the client's names; null is any. */
  readonly mayCall: readonly string[] | null;
  /** The reply may have several calls. */
  readonly parallel: boolean;
  /** The types of tools and items left out, with `unknownTools: "skip"`. */
  readonly skippedTools: readonly string[];
  private readonly config: RenderConfig;
  private readonly system: SystemContent;
  private readonly functions: Tools | null;

  /** @internal */
  constructor(private readonly parts: Parts) {
    const { options, settings, tools } = parts;
    this.request = parts.request;
    this.names = parts.names;
    this.open = settings.open;
    this.mustCall = settings.choice.mustCall;
    this.mayCall = settings.choice.mayCall;
    this.parallel = settings.parallel;
    this.skippedTools = parts.skipped;
    const channelFirst = options.header === "model";
    const { dropAnalysis, schemas } = options;
    this.config = { dropAnalysis, channelFirst, schemas };
    const written = !settings.choice.none;
    this.functions = written && tools.described.length ? tools : null;
    this.system = systemContent(parts, written ? parts.builtin : []);
  }

  /** @internal Whether a tool is a custom one, whose input is text. */
  isCustom(name: ClientName): boolean {
    return this.parts.tools.custom.has(name.key);
  }

  /**
   * The tokens that the model is given. They end in `<|start|>assistant`, or in
   * the last message if it goes on.
   */
  tokens(encoding: HarmonyEncoding): number[] {
    const ending = this.open ? { openLast: true } : { nextRole: "assistant" as const };
    return encoding.renderSaid(this.said(), this.config, ending);
  }

  private said(): Said[] {
    const none = { name: null, recipient: null, channel: null, contentType: null };
    const checked = checkedContent("", this.system) as CheckedSystem;
    const system = systemText(
      checked,
      this.functions !== null,
      this.parts.options.schemas,
    );
    const said: Said[] = [{ role: "system", ...none, texts: [system] }];
    const { format } = this.parts.settings;
    const developer = developerSections(
      this.instructions(),
      this.functions?.section ?? null,
      format && [format],
    );
    if (developer) said.push({ role: "developer", ...none, texts: [developer] });
    return [...said, ...this.parts.history.said()];
  }

  private instructions(): string | null {
    const given = this.parts.history.instructions;
    return given.length ? given.join("\n\n") : null;
  }

  /** The messages, in their JSON form; a new object each time. */
  get conversation(): Conversation {
    const messages: Message[] = [
      { role: "system", name: null, content: [this.system] },
    ];
    const developer = this.developer();
    if (developer)
      messages.push({ role: "developer", name: null, content: [developer] });
    const { history } = this.parts;
    return {
      messages: [...messages, ...history.said().map((said) => message(said, history))],
    };
  }

  private developer(): DeveloperContent | null {
    const content: DeveloperContent = { type: "developer_content" };
    const instructions = this.instructions();
    const { format } = this.parts.settings;
    if (instructions !== null) content.instructions = instructions;
    if (this.functions) {
      const tools = this.functions.described.map((tool) => withoutNull({ ...tool }));
      content.tools = { functions: { name: "functions", tools } };
    }
    if (format) content.response_formats = [withoutNull({ ...format })];
    return Object.keys(content).length > 1 ? content : null;
  }
}

function systemContent(
  { options, settings }: Parts,
  builtin: readonly BuiltinTool[],
): SystemContent {
  const content: SystemContent = {
    type: "system_content",
    reasoning_effort: settings.effort,
    conversation_start_date: options.date || today(),
  };
  if (options.modelIdentity !== null) content.model_identity = options.modelIdentity;
  if (options.knowledgeCutoff !== null) {
    content.knowledge_cutoff = options.knowledgeCutoff;
  }
  if (builtin.length) {
    content.tools = Object.fromEntries(builtin.map((name) => [name, BUILTIN[name]()]));
  }
  return content;
}

function message(said: Said, history: History): Message {
  const later = history.instructionsOf(said);
  const content: Content[] =
    later === null
      ? said.texts.map((text) => ({ type: "text", text }))
      : [{ type: "developer_content", instructions: later }];
  const form: Message = { role: said.role, name: said.name, content };
  if (said.channel !== null) form.channel = said.channel;
  if (said.recipient !== null) form.recipient = said.recipient;
  if (said.contentType !== null) form.content_type = said.contentType;
  return form;
}

function withoutNull<T extends object>(form: T): T {
  const kept = Object.entries(form).filter(([, value]) => value !== null);
  return Object.fromEntries(kept) as T;
}

/** Today's date, local. */
function today(): string {
  const now = new Date();
  const [month, day] = [now.getMonth() + 1, now.getDate()].map((number) =>
    String(number).padStart(2, "0"),
  );
  return `${now.getFullYear()}-${month}-${day}`;
}

/** The effort that an effort of the APIs becomes; null is medium. */
export function readEffort(place: string, value: unknown): ReasoningEffort {
  if (value === null) return "Medium";
  if (typeof value === "string" && Object.hasOwn(EFFORTS, value))
    return EFFORTS[value]!;
  throw unknown(place, value, Object.keys(EFFORTS));
}

/** The format of a request; null if any text will do. */
export function readFormat(
  given: string,
  value: unknown,
  nested: boolean,
): ResponseFormat | null {
  if (value === null) return null;
  let place = given;
  let form = table(place, value);
  const kind = required(place, form, "type");
  if (kind === "text") return null;
  if (kind === "json_object") {
    return { name: "json_object", schema: { type: "object" }, description: null };
  }
  if (kind !== "json_schema") {
    throw unknown(`${place}.type`, kind, ["text", "json_object", "json_schema"]);
  }
  if (nested) {
    const inner = required(place, form, "json_schema");
    place = `${place}.json_schema`;
    form = table(place, inner);
  }
  return schemaFormat(place, form);
}

function schemaFormat(place: string, form: Form): ResponseFormat {
  const name = text(place, form, "name");
  const schema = required(place, form, "schema");
  const checked = schemaObject(`${place}.schema`, schema);
  return {
    name,
    schema: checked,
    description: optionalText(place, form, "description"),
  };
}

/** Whether a reply may have several calls; null is yes. */
export function readParallel(value: unknown): boolean {
  return value === null ? true : flag("parallel_tool_calls", value);
}
