/** The tools of a request: what is declared, what may or must be called. */
import { schemaObject, type ToolDescription } from "../contents.js";
import { ValueError } from "../errors.js";
import { shown } from "../json.js";
import { toolsSection } from "../prompts.js";
import { browserTool, pythonTool } from "../tools.js";
import {
  type Form,
  get,
  optionalText,
  placed,
  required,
  table,
  text,
  unknown,
} from "./fields.js";
import { ClientName, ToolNames } from "./names.js";
import type { Options } from "./prompt.js";

export type UnknownTools = "error" | "skip";
export type BuiltinTool = "browser" | "python";

/** The tools that the model knows by itself; they stand in the system message. */
export const BUILTIN = { browser: browserTool, python: pythonTool };

const CUSTOM_PARAMETERS = {
  type: "object",
  properties: { input: { type: "string" } },
  required: ["input"],
};

/** What a request declares. */
export interface Tools {
  names: ToolNames;
  /** The keys of the tools whose input is text. */
  custom: ReadonlySet<string>;
  /** The functions, under the model's names for them. */
  described: ToolDescription[];
  section: string | null;
  builtin: BuiltinTool[];
  /** The types of what nobody here knows. */
  skipped: string[];
}

interface Declared {
  place: string;
  client: ClientName;
  description: string | null;
  parameters: object | null;
  custom: boolean;
}

/** Read `tools` of a request. `nested`: fields are under a tool's type, as in chat. */
export function readTools(
  value: unknown,
  nested: boolean,
  { unknownTools, renameTools, schemas }: Options,
): Tools {
  const reader = new Reader(nested, unknownTools);
  for (const [place, item] of placed("tools", value)) reader.read(place, item);
  const { functions } = reader;
  checkOnce(functions);
  const names = new ToolNames(
    functions.map(({ place, client }) => [`${place}.name`, client] as const),
    renameTools,
  );
  const described = functions.map(({ place, client, description, parameters }) => ({
    name: names.add(`${place}.name`, client),
    description,
    parameters,
  }));
  const namespace = { name: "functions", description: null, tools: described };
  return {
    names,
    custom: new Set(functions.filter((f) => f.custom).map((f) => f.client.key)),
    described,
    section: described.length
      ? toolsSection(new Map([["functions", namespace]]), schemas)
      : null,
    builtin: [...new Set(reader.builtin)],
    skipped: reader.skipped,
  };
}

class Reader {
  readonly functions: Declared[] = [];
  readonly builtin: BuiltinTool[] = [];
  readonly skipped: string[] = [];

  constructor(
    private readonly nested: boolean,
    private readonly unknownTools: UnknownTools,
  ) {}

  read(place: string, item: unknown): void {
    const tool = table(place, item);
    const kind = required(place, tool, "type");
    const builtin = this.nested ? null : builtinName(kind);
    if (kind === "function" || kind === "custom") {
      if (this.nested) {
        const inner = required(place, tool, kind);
        const where = `${place}.${kind}`;
        this.functions.push(declared(where, kind, table(where, inner)));
      } else this.functions.push(declared(place, kind, tool));
    } else if (kind === "namespace" && !this.nested) this.readNamespace(place, tool);
    else if (builtin !== null) this.builtin.push(builtin);
    else this.skip(place, kind);
  }

  /** Read the tools of a namespace; its description is above the first. */
  private readNamespace(place: string, namespace: Form): void {
    const name = text(place, namespace, "name");
    let about = optionalText(place, namespace, "description");
    const listed = required(place, namespace, "tools");
    for (const [inner, item] of placed(`${place}.tools`, listed)) {
      const tool = table(inner, item);
      const kind = required(inner, tool, "type");
      if (kind !== "function" && kind !== "custom") {
        this.skip(inner, kind);
        continue;
      }
      const found = declared(inner, kind, tool, name);
      if (about) {
        found.description = joined(about.replace(/\n$/, ""), found.description);
        about = null;
      }
      this.functions.push(found);
    }
  }

  private skip(place: string, kind: unknown): void {
    if (this.unknownTools === "error" || typeof kind !== "string") {
      const complaint = `${shown(kind)} is no tool that is known here`;
      throw new ValueError(`${place}.type`, complaint);
    }
    this.skipped.push(kind);
  }
}

/** The built-in tool that a type of the Responses API stands for. */
function builtinName(kind: unknown): BuiltinTool | null {
  if (typeof kind !== "string") return null;
  if (/^(web_search|browser_search)/.test(kind)) return "browser";
  return kind === "code_interpreter" ? "python" : null;
}

function declared(
  place: string,
  kind: "function" | "custom",
  tool: Form,
  namespace: string | null = null,
): Declared {
  const client = new ClientName(text(place, tool, "name"), namespace);
  const said = optionalText(place, tool, "description");
  if (kind === "custom") {
    const description = withGrammar(`${place}.format`, said, get(tool, "format"));
    return {
      place,
      client,
      description,
      parameters: CUSTOM_PARAMETERS,
      custom: true,
    };
  }
  const parameters = get(tool, "parameters");
  const where = `${place}.parameters`;
  const given = parameters === null ? null : schemaObject(where, parameters);
  return { place, client, description: said, parameters: given, custom: false };
}

function joined(first: string | null, second: string | null): string {
  return [first, second].filter(Boolean).join("\n");
}

/** A custom tool's description with what its input has to match. */
function withGrammar(
  place: string,
  description: string | null,
  form: unknown,
): string | null {
  if (form === null) return description;
  let where = place;
  let grammar = table(where, form);
  const kind = required(where, grammar, "type");
  if (kind === "text") return description;
  if (kind !== "grammar") throw unknown(`${where}.type`, kind, ["text", "grammar"]);
  if (Object.hasOwn(grammar, "grammar")) {
    // A chat request has its fields one level down.
    where = `${where}.grammar`;
    grammar = table(where, grammar["grammar"]);
  }
  const syntax = text(where, grammar, "syntax");
  const definition = text(where, grammar, "definition");
  return joined(description, `Input must match this ${syntax} grammar:\n${definition}`);
}

function checkOnce(functions: Declared[]): void {
  const seen = new Set<string>();
  for (const { place, client } of functions) {
    if (seen.has(client.key)) {
      throw new ValueError(`${place}.name`, `${shown(client.name)} is there twice`);
    }
    seen.add(client.key);
  }
}

// Choice

/** What `tool_choice` says. */
export interface Choice {
  none: boolean;
  mustCall: boolean;
  mayCall: string[] | null;
}

/** Read `tool_choice` of either API. */
export function readChoice(value: unknown, tools: Tools): Choice {
  const free = { none: false, mustCall: false, mayCall: null };
  if (value === null || value === "auto") return free;
  if (value === "none") return { ...free, none: true };
  if (value === "required") return { ...free, mustCall: true };
  if (typeof value === "string") {
    throw unknown("tool_choice", value, ["none", "auto", "required"]);
  }
  const choice = table("tool_choice", value);
  if (required("tool_choice", choice, "type") === "allowed_tools") {
    return allowed(choice, tools);
  }
  const name = chosen("tool_choice", choice, tools);
  return { none: false, mustCall: true, mayCall: [name] };
}

function allowed(given: Form, tools: Tools): Choice {
  let place = "tool_choice";
  let choice = given;
  if (Object.hasOwn(choice, "allowed_tools")) {
    place = `${place}.allowed_tools`;
    choice = table(place, choice["allowed_tools"]);
  }
  const mode = required(place, choice, "mode");
  if (mode !== "auto" && mode !== "required") {
    throw unknown(`${place}.mode`, mode, ["auto", "required"]);
  }
  const listed = placed(`${place}.tools`, required(place, choice, "tools"));
  const names = listed.map(([where, item]) => chosen(where, table(where, item), tools));
  return { none: false, mustCall: mode === "required", mayCall: [...new Set(names)] };
}

/** The name of a tool that is chosen. `place` is that of the choice. */
function chosen(place: string, given: Form, tools: Tools): string {
  let tool = given;
  let inner = place;
  const kind = required(place, tool, "type");
  const builtin = builtinName(kind);
  if (builtin !== null) {
    if (tools.builtin.includes(builtin)) return builtin;
    throw new ValueError("tool_choice", `there is no ${shown(kind)} among the tools`);
  }
  if (kind !== "function" && kind !== "custom") {
    throw unknown(`${place}.type`, kind, ["function", "custom", "allowed_tools"]);
  }
  if (Object.hasOwn(tool, kind)) {
    inner = `${place}.${kind}`;
    tool = table(inner, tool[kind]);
  }
  const name = text(inner, tool, "name");
  if (!tools.names.isDeclared(name)) {
    throw new ValueError("tool_choice", `there is no tool ${shown(name)}`);
  }
  return name;
}
