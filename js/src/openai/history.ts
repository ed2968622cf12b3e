/**
 * The messages of a request, as what is rendered of each. A message is read to
 * entries first; they are then entered into the history, which links results to
 * calls and gives names.
 */
import { type CheckedDeveloper, type Role, wrong } from "../contents.js";
import { ValueError } from "../errors.js";
import { entriesOf, jsonText, shown } from "../json.js";
import { developerText } from "../prompts.js";
import type { Said } from "../rendering.js";
import { type Form, required } from "./fields.js";
import { ClientName, FUNCTIONS, type ToolNames } from "./names.js";

export type Header = "template" | "model";

/** The content type of a call, as the template and as the model writes it. */
const JSON_TYPES = { template: "json", model: "<|constrain|>json" };

/** What a message says: one thing of it. It adds itself to a history. */
export type Entry = (history: History, place: string) => void;

/** The arguments of a call: text as it is, an object as JSON. */
export function functionArguments(place: string, call: Form): string {
  const value = required(place, call, "arguments");
  if (typeof value === "string") return value;
  const where = `${place}.arguments`;
  if (entriesOf(value) === null) throw wrong(where, "text or an object", value);
  try {
    return jsonText(value, ", ", ": ");
  } catch (error) {
    throw new ValueError(where, `no JSON: ${(error as Error).message}`);
  }
}

/** The input of a custom tool as the arguments of a call. */
export function customArguments(text: string): string {
  return jsonText({ input: text });
}

/** A system or developer message; an empty one says nothing. */
export class Instruction {
  constructor(readonly text: string) {}
}

/** A message by the user. */
export function userText(text: string): Entry {
  return (history) => history.say(by("user", text));
}

/** A text by the assistant; an empty one is no message. */
export function assistantText(text: string, channel: string): Entry[] {
  if (!text) return [];
  return [(history) => history.say({ ...by("assistant", text), channel })];
}

/** A call of the built-in Python, and what came out. */
export function pythonCall(code: string, output: string): Entry[] {
  const channel = "analysis";
  const call = { ...by("assistant", code), recipient: "python", contentType: "code" };
  const result = { ...by("tool", output), name: "python", recipient: "assistant" };
  return [
    (history) => history.say({ ...call, channel }),
    (history) => history.say({ ...result, channel }),
  ];
}

/** A call of a function. `nameInside`: where in the message its name stands. */
export function callOf(
  id: string | null,
  client: ClientName,
  written: string,
  nameInside: string,
): Entry {
  return (history, place) => history.call(id, client, written, place + nameInside);
}

/** The result of the latest call of an id. `idKey` is where the id stands. */
export function resultOf(id: string, text: string, idKey: string): Entry {
  return (history, place) => history.answer(id, text, `${place}.${idKey}`);
}

/** A result of which only the function's name is known. */
export function namedResult(name: string, text: string): Entry {
  return (history, place) => history.answerByName(name, text, `${place}.name`);
}

function by(role: Role, text: string): Said {
  const none = { name: null, recipient: null, channel: null, contentType: null };
  return { role, ...none, texts: [text] };
}

/**
 * Collects messages in order. Leading system and developer messages are
 * `instructions`. A run of results is put in the order of the calls they answer.
 */
export class History {
  readonly instructions: string[] = [];
  private readonly parts: Said[] = [];
  private readonly later = new Map<Said, string>();
  private readonly calls = new Map<string, { number: number; name: string }>();
  private callCount = 0;
  private run: { number: number; said: Said }[] = [];
  private leading = true;

  constructor(
    private readonly names: ToolNames,
    private readonly header: Header,
  ) {}

  /** Add the entries of one message. */
  enter(place: string, message: Entry[] | Instruction): void {
    if (message instanceof Instruction) {
      this.instruct(message.text);
      return;
    }
    this.leading = false;
    for (const entry of message) entry(this, place);
  }

  /** What is rendered of each message. */
  said(): readonly Said[] {
    this.endRun();
    return this.parts;
  }

  /** The instructions of a later developer message; null for any other. */
  instructionsOf(said: Said): string | null {
    return this.later.get(said) ?? null;
  }

  say(said: Said): void {
    this.endRun();
    this.parts.push(said);
  }

  /** Add the results that wait, those that answer a call first, in order. */
  private endRun(): void {
    if (!this.run.length) return;
    this.run.sort((one, other) => one.number - other.number);
    for (const { said } of this.run) this.parts.push(said);
    this.run = [];
  }

  instruct(text: string): void {
    if (!text) return;
    if (this.leading) {
      this.instructions.push(text);
      return;
    }
    const content: CheckedDeveloper = {
      type: "developer_content",
      instructions: text,
      tools: null,
      formats: null,
    };
    const said = by("developer", developerText(content, "reference"));
    this.later.set(said, text);
    this.say(said);
  }

  call(id: string | null, client: ClientName, written: string, where: string): void {
    const recipient = FUNCTIONS + this.names.add(where, client);
    this.say({
      ...by("assistant", written),
      recipient,
      channel: "commentary",
      contentType: JSON_TYPES[this.header],
    });
    if (id !== null) this.calls.set(id, { number: this.callCount, name: recipient });
    this.callCount++;
  }

  answer(id: string, text: string, where: string): void {
    const call = this.calls.get(id);
    if (call === undefined) {
      throw new ValueError(where, `no call before has the id ${shown(id)}`);
    }
    this.result(call.number, call.name, text);
  }

  answerByName(name: string, text: string, where: string): void {
    const known = this.names.add(where, new ClientName(name));
    this.result(this.callCount, FUNCTIONS + known, text);
  }

  private result(number: number, name: string, text: string): void {
    const said = { ...by("tool", text), name, recipient: "assistant" };
    this.run.push({ number, said: { ...said, channel: "commentary" } });
  }
}
