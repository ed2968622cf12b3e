/**
 * Output items of the Responses API, each as events and whole.
 *
 * Each kind of item says how it looks at first and when it is done, and which
 * events are between. Events are given without what the stream adds to them.
 */
import { formOf } from "../contents.js";
import type { Form } from "./fields.js";
import type { Kind, Part } from "./reply.js";

export type Event = Form & { type: string };
type NewId = (prefix: string) => string;

/** One item of the output, made from one message of the model. */
export abstract class Item {
  readonly id: string;

  constructor(
    readonly part: Part,
    prefix: string,
    newId: NewId,
  ) {
    this.id = newId(prefix);
  }

  /** The item: as it is so far, or, `in_progress`, as it begins. */
  abstract whole(status: string): Form;

  /** The events behind `output_item.added`. */
  opening(): Event[] {
    return [];
  }

  /** The event for some more text; null if the item is all given at its end. */
  abstract delta(text: string): Event | null;

  /** The events before `output_item.done`. */
  abstract closing(): Event[];
}

/** Reasoning or a message: an item with one content part. */
abstract class TextItem extends Item {
  protected abstract readonly event: string;
  protected readonly extra: Form = {};

  protected abstract content(text: string): Form;

  protected contents(status: string): Form[] {
    return status === "in_progress" ? [] : [this.content(this.part.text)];
  }

  override opening(): Event[] {
    const part = this.content("");
    return [{ type: "response.content_part.added", content_index: 0, part }];
  }

  delta(delta: string): Event {
    const type = `response.${this.event}.delta`;
    return { type, content_index: 0, delta, ...this.extra };
  }

  closing(): Event[] {
    const { text } = this.part;
    const type = `response.${this.event}.done`;
    const part = this.content(text);
    return [
      { type, content_index: 0, text, ...this.extra },
      { type: "response.content_part.done", content_index: 0, part },
    ];
  }
}

class ReasoningItem extends TextItem {
  protected readonly event = "reasoning_text";

  protected content(text: string): Form {
    return { type: "reasoning_text", text };
  }

  whole(status: string): Form {
    const content = this.contents(status);
    return { id: this.id, type: "reasoning", summary: [], content, status };
  }
}

class MessageItem extends TextItem {
  protected readonly event = "output_text";
  protected override readonly extra: Form = { logprobs: [] };

  protected content(text: string): Form {
    return { type: "output_text", text, annotations: [], logprobs: [] };
  }

  whole(status: string): Form {
    return {
      id: this.id,
      type: "message",
      role: "assistant",
      status,
      phase: this.part.kind === "preamble" ? "commentary" : "final_answer",
      content: this.contents(status),
    };
  }
}

/** A call of a function, or of a custom tool, whose input is text. */
class CallItem extends Item {
  protected readonly kind: string = "function_call";
  protected readonly written: string = "arguments";
  private readonly callId: string;

  constructor(part: Part, prefix: string, newId: NewId) {
    super(part, prefix, newId);
    this.callId = newId("call");
  }

  whole(status: string): Form {
    const { name, namespace } = this.part.name;
    const item: Form = {
      id: this.id,
      type: this.kind,
      call_id: this.callId,
      name,
      [this.written]: status === "in_progress" ? "" : this.part.text,
      status,
    };
    if (namespace !== null) item["namespace"] = namespace;
    return item;
  }

  delta(delta: string): Event {
    return { type: `response.${this.kind}_${this.written}.delta`, delta };
  }

  closing(): Event[] {
    const type = `response.${this.kind}_${this.written}.done`;
    return [{ type, [this.written]: this.part.text }];
  }
}

class CustomItem extends CallItem {
  protected override readonly kind = "custom_tool_call";
  protected override readonly written = "input";
}

class PythonItem extends Item {
  whole(status: string): Form {
    return {
      id: this.id,
      type: "code_interpreter_call",
      status,
      code: status === "in_progress" ? "" : this.part.text,
      container_id: "auto",
      outputs: null,
    };
  }

  override opening(): Event[] {
    return [{ type: "response.code_interpreter_call.in_progress" }];
  }

  delta(delta: string): Event {
    return { type: "response.code_interpreter_call_code.delta", delta };
  }

  closing(): Event[] {
    const code = this.part.text;
    return [
      { type: "response.code_interpreter_call_code.done", code },
      { type: "response.code_interpreter_call.interpreting" },
      { type: "response.code_interpreter_call.completed" },
    ];
  }
}

/** A call of the built-in browser, whose action is part of the item. */
class SearchItem extends Item {
  whole(status: string): Form {
    const action = searchAction(this.part.name.name, this.part.text);
    return { id: this.id, type: "web_search_call", status, action };
  }

  delta(): null {
    return null;
  }

  closing(): Event[] {
    return ["in_progress", "searching", "completed"].map((name) => ({
      type: `response.web_search_call.${name}`,
    }));
  }
}

type ItemClass = new (part: Part, prefix: string, newId: NewId) => Item;

const ITEMS: Record<Kind, [ItemClass, string]> = {
  reasoning: [ReasoningItem, "rs"],
  preamble: [MessageItem, "msg"],
  answer: [MessageItem, "msg"],
  call: [CallItem, "fc"],
  custom: [CustomItem, "ctc"],
  python: [PythonItem, "ci"],
  search: [SearchItem, "ws"],
};

/** Whether an item begins with its message; else it is all given at the end. */
export function isStreamed(kind: Kind): boolean {
  return kind !== "search";
}

/** The item of a part. */
export function itemOf(part: Part, newId: NewId): Item {
  const [make, prefix] = ITEMS[part.kind];
  return new make(part, prefix, newId);
}

/**
 * The action of a call of `browser.search`, `.open` or `.find`. Arguments that
 * are no JSON object are a search for the text as it is.
 */
function searchAction(recipient: string, written: string): Form {
  const form = objectIn(written);
  if (form === null) return { type: "search", query: written };
  const text = (key: string) => (typeof form[key] === "string" ? form[key] : null);
  if (recipient === "browser.open") return { type: "open_page", url: text("id") };
  if (recipient === "browser.find") {
    return { type: "find_in_page", pattern: text("pattern") ?? "", url: "" };
  }
  return { type: "search", query: text("query") ?? "" };
}

function objectIn(written: string): Form | null {
  try {
    return formOf(JSON.parse(written));
  } catch {
    return null;
  }
}
