/**
 * What system and developer messages say, their tools included: the same as
 * harmony/prompts.py, on the same goldens.
 */
import type {
  ChannelConfig,
  Checked,
  CheckedContent,
  CheckedDeveloper,
  CheckedSystem,
  CheckedTools,
  ResponseFormat,
  Role,
  ToolDescription,
  ToolNamespace,
} from "./contents.js";
import { commentLines, completeTypescript } from "./complete_typescript.js";
import { RenderError } from "./errors.js";
import { jsonText } from "./json.js";
import { typescript } from "./typescript.js";

const FUNCTIONS_CHANNEL =
  "\nCalls to these tools must go to the commentary channel: 'functions'.";

/**
 * How the parameters of tools are written. "reference": the TypeScript that
 * openai-harmony writes, byte for byte. "complete": TypeScript that says all that
 * the JSON schema says; the same text wherever the reference's is complete.
 */
export type Schemas = "reference" | "complete";
export const SCHEMAS: readonly Schemas[] = ["reference", "complete"];

/** The text of one content of a message by a role. */
export function contentText(
  content: CheckedContent,
  role: Role,
  functionTools: boolean,
  schemas: Schemas,
): string {
  if (content.type === "text") return content.text;
  const author = content.type === "system_content" ? "system" : "developer";
  if (role !== author) {
    throw new RenderError(
      `a ${content.type} belongs in a message by '${author}', not by '${role}'`,
    );
  }
  return content.type === "system_content"
    ? systemText(content, functionTools, schemas)
    : developerText(content, schemas);
}

/** Whether a developer prompt brings functions: tools under `functions`. */
export function hasFunctionTools(messages: Checked[]): boolean {
  return messages.some((message) =>
    message.contents.some(
      (content) =>
        content.type === "developer_content" &&
        Boolean(content.tools?.get("functions")?.tools.length),
    ),
  );
}

/** A system prompt: its sections, with a blank line between them. */
export function systemText(
  content: CheckedSystem,
  functionTools: boolean,
  schemas: Schemas,
): string {
  const about: string[] = [];
  const sections: string[] = [];
  if (content.identity !== null) about.push(content.identity);
  if (content.cutoff !== null) about.push(`Knowledge cutoff: ${content.cutoff}`);
  if (content.date !== null) about.push(`Current date: ${content.date}`);
  if (about.length) sections.push(about.join("\n"));
  if (content.effort !== null) {
    sections.push(`Reasoning: ${content.effort.toLowerCase()}`);
  }
  if (content.tools?.size) sections.push(toolsSection(content.tools, schemas));
  if (content.channels?.valid_channels.length) {
    sections.push(channelsSection(content.channels, functionTools));
  }
  return sections.join("\n\n");
}

function channelsSection(config: ChannelConfig, functionTools: boolean): string {
  let section = `# Valid channels: ${config.valid_channels.join(", ")}.`;
  if (config.channel_required) {
    section += " Channel must be included for every message.";
  }
  return functionTools ? section + FUNCTIONS_CHANNEL : section;
}

/** A developer prompt: its sections, with a blank line between them. */
export function developerText(content: CheckedDeveloper, schemas: Schemas): string {
  const tools = content.tools?.size ? toolsSection(content.tools, schemas) : null;
  return developerSections(content.instructions, tools, content.formats);
}

/** The same, of instructions, a section on tools, and formats. */
export function developerSections(
  instructions: string | null,
  tools: string | null,
  formats: ResponseFormat[] | null,
): string {
  const sections: string[] = [];
  if (instructions !== null) sections.push("# Instructions", instructions);
  if (tools !== null) sections.push(tools);
  if (formats?.length) sections.push("# Response Formats", ...formats.map(formatText));
  return sections.join("\n\n");
}

function formatText(format: ResponseFormat): string {
  const comment = marked("// ", format.description);
  return [`## ${format.name}\n`, ...comment, jsonText(format.schema)].join("\n");
}

/** The section on tools: its namespaces in the order of their keys. */
export function toolsSection(tools: CheckedTools, schemas: Schemas): string {
  const keys = [...tools.keys()].sort(inOrderOfBytes);
  const texts = keys.map((key) => namespaceText(tools.get(key)!, schemas));
  return ["# Tools", ...texts].join("\n\n");
}

/** JavaScript would sort by UTF-16, where U+FFFF is behind U+1F600. */
function inOrderOfBytes(one: string, other: string): number {
  for (let at = 0; at < one.length && at < other.length; at++) {
    const left = one.codePointAt(at)!;
    const right = other.codePointAt(at)!;
    if (left !== right) return left - right;
  }
  return one.length - other.length;
}

function namespaceText(namespace: Required<ToolNamespace>, schemas: Schemas): string {
  const { name, description, tools } = namespace;
  const title = `## ${name}\n`;
  if (!tools.length) return [title, ...marked("", description)].join("\n");
  const isComplete = schemas === "complete";
  const about = isComplete ? commented(description) : marked("// ", description);
  const taken = new Set(tools.map((tool) => tool.name));
  const lines = tools.flatMap((tool) =>
    isComplete ? completeToolLines(tool, taken) : toolLines(tool),
  );
  const end = `} // namespace ${name}`;
  return [title, ...about, `namespace ${name} {\n`, ...lines, end].join("\n");
}

function toolLines(tool: ToolDescription): string[] {
  const parameters = tool.parameters ?? null;
  const type = parameters === null ? "" : `_: ${typescript(parameters)}`;
  return [
    ...marked("// ", tool.description),
    `type ${tool.name} = (${type}) => any;\n`,
  ];
}

/** The same, with all that the schema says, and the types that it names. */
function completeToolLines(tool: ToolDescription, taken: Set<string>): string[] {
  const parameters = tool.parameters ?? null;
  const comment = commented(tool.description);
  if (parameters === null) return [...comment, `type ${tool.name} = () => any;\n`];
  const { declarations, text } = completeTypescript(parameters, tool.name, taken);
  return [...declarations, ...comment, `type ${tool.name} = (_: ${text}) => any;\n`];
}

/** The lines of a text behind `// `, as TypeScript ends lines. */
function commented(text: string | null | undefined): string[] {
  return text ? commentLines(text).map((line) => `// ${line}`) : [];
}

/**
 * The lines of a text, each behind a mark. Behind the last line end there is no
 * further line, and an empty text has none, as in the reference.
 */
function marked(mark: string, text: string | null | undefined): string[] {
  if (!text) return [];
  const lines = text.replaceAll("\r\n", "\n").replace(/\n$/, "").split("\n");
  return lines.map((line) => mark + line);
}
