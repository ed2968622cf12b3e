/**
 * The playground: what is typed becomes tokens, and tokens become messages.
 *
 * Everything is in `state`, which is what a link carries. Whatever changes it
 * calls `update`, which draws the result anew.
 */
import {
  type HarmonyEncoding,
  loadHarmonyEncoding,
  type Message,
  readJson,
  type Role,
} from "harmony-format";
import { prompt as chatPrompt } from "harmony-format/chat";
import { prompt as responsesPrompt } from "harmony-format/responses";
import { counts, drawn, element, many } from "./drawing.js";
import { packed, unpacked } from "./link.js";
import { type Reading, read } from "./reading.js";
import { EXAMPLES } from "./examples.js";

type Kind = "messages" | "conversation" | "chat" | "responses";

const state = structuredClone(EXAMPLES);
let encoding: HarmonyEncoding;
let timer: ReturnType<typeof setTimeout> | undefined;

function get<T extends HTMLElement>(id: string): T {
  return document.getElementById(id) as T;
}

const json = get<HTMLTextAreaElement>("json");
const reply = get<HTMLTextAreaElement>("reply");
const complete = get<HTMLInputElement>("complete");
const parameters = get<HTMLTextAreaElement>("parameters");
const kind = get<HTMLSelectElement>("kind");
const role = get<HTMLSelectElement>("role");
const recover = get<HTMLInputElement>("recover");
const streamButton = get<HTMLButtonElement>("stream");
const pace = get<HTMLInputElement>("pace");
const tabs = [...document.querySelectorAll<HTMLButtonElement>("[data-tab]")];

// What is drawn

/** Draw the result of what is typed; what is wrong is said below it. */
function update(): void {
  stop();
  try {
    const { tab } = state;
    if (tab === "write") {
      const typed = state.kind === "messages" ? state.messages.length : 0;
      show(read(encoding, promptTokens(), null, true), typed);
    } else if (tab === "read") show(readReply(replyTokens()));
    else showSchema();
    fault(null);
  } catch (error) {
    fault((error as Error).message);
  }
}

function fault(complaint: string | null): void {
  const place = get("fault");
  place.hidden = complaint === null;
  place.textContent = complaint;
}

/** Show what was read, of so many messages that were typed. */
function show(reading: Reading, typed = 0): void {
  const messages = reading.blocks.filter(({ message }) => message).length;
  const repairs = reading.notes.reduce((sum, { count }) => sum + count, 0);
  const dropped = Math.max(typed - messages, 0);
  get("total").textContent = [
    many(messages, "message"),
    ...(dropped ? [`${dropped} of a finished turn left out`] : []),
    many(reading.tokens.length, "token"),
    many(repairs, "warning"),
  ].join(", ");
  get("beside").replaceChildren(counts(reading));
  get("result").replaceChildren(...drawn(encoding, reading));
}

function promptTokens(): number[] {
  const text = state.texts[state.kind as Exclude<Kind, "messages">];
  if (state.kind === "chat") return chatPrompt(text).tokens(encoding);
  if (state.kind === "responses") return responsesPrompt(text).tokens(encoding);
  const given =
    state.kind === "conversation" ? text : state.messages.map(withoutNothing);
  return encoding.renderConversationForCompletion(given, "assistant");
}

function withoutNothing(message: Message): Message {
  const kept = Object.entries(message).filter(([, value]) => value !== "");
  return { ...Object.fromEntries(kept), content: message.content } as Message;
}

function replyTokens(): number[] {
  return encoding.encode(state.reply, { allowedSpecial: "all" });
}

function readReply(tokens: number[]): Reading {
  return read(
    encoding,
    tokens,
    (state.role || null) as Role | null,
    state.recover,
  );
}

function showSchema(): void {
  const schema = readJson(state.schema);
  const tools = {
    functions: {
      name: "functions",
      tools: [{ name: "f", parameters: schema }],
    },
  };
  const content = [{ type: "developer_content", tools }];
  const message = { role: "developer", content } as unknown as Message;
  const schemas = state.complete ? "complete" : "reference";
  const text = encoding.decode(encoding.render(message, { schemas }));
  const type = text
    .split("{\n\n")
    .slice(1)
    .join("{\n\n")
    .split("\n\n} // namespace f")[0]!;
  get("total").textContent = many(
    encoding.count(type, { disallowedSpecial: [] }),
    "token",
  );
  get("beside").replaceChildren();
  const shown = element("pre", { class: "text", id: "typescript" }, type);
  const header = element(
    "header",
    {},
    element("h2", {}, "As the model sees it"),
  );
  get("result").replaceChildren(
    element("article", { class: "developer" }, header, shown),
  );
}

// A reply, slowly

function stop(): void {
  clearTimeout(timer);
  timer = undefined;
  streamButton.textContent = "Stream it";
}

/** Feed the reply token by token, at the pace that is set, and draw each time. */
function stream(): void {
  const isRunning = timer !== undefined;
  stop();
  if (isRunning) return;
  const tokens = replyTokens();
  let count = 0;
  streamButton.textContent = "Stop";
  const step = () => {
    show(readReply(tokens.slice(0, ++count)));
    if (count >= tokens.length) stop();
    else timer = setTimeout(step, Number(pace.value));
  };
  timer = setTimeout(step, 0);
}

// What is typed

const ROLES = ["user", "assistant", "system", "developer", "tool"];
const FIELDS = ["channel", "recipient", "name", "content_type"] as const;

function drawRows(): void {
  get("rows").replaceChildren(...state.messages.map(drawRow));
}

function drawRow(message: Message, index: number): HTMLElement {
  const number = index + 1;
  const fields = element("div", { class: "fields" });
  const made = element("div", { class: `row ${message.role}` }, fields);
  const roles = element("select", {
    "aria-label": `role of message ${number}`,
  });
  for (const name of ROLES)
    roles.append(new Option(name, name, false, name === message.role));
  roles.addEventListener("change", () => {
    message.role = (roles as HTMLSelectElement).value as Role;
    made.className = `row ${message.role}`;
    update();
  });
  fields.append(element("label", {}, "role ", roles));
  for (const field of FIELDS) fields.append(drawField(message, field, number));
  const content = element("textarea", {
    rows: "3",
    "aria-label": `message ${number}`,
  });
  const area = content as HTMLTextAreaElement;
  area.value = message.content as string;
  area.addEventListener("input", () => {
    message.content = area.value;
    update();
  });
  const remove = element(
    "button",
    { type: "button", class: "remove" },
    "Remove",
  );
  remove.setAttribute("aria-label", `Remove message ${number}`);
  remove.addEventListener("click", () => {
    state.messages.splice(index, 1);
    drawRows();
    update();
  });
  made.append(content, remove);
  return made;
}

function drawField(
  message: Message,
  field: (typeof FIELDS)[number],
  number: number,
): HTMLElement {
  const input = element("input", { type: "text", value: message[field] ?? "" });
  input.setAttribute("aria-label", `${field} of message ${number}`);
  input.addEventListener("input", () => {
    message[field] = (input as HTMLInputElement).value;
    update();
  });
  return element("label", {}, `${field.replace("_", " ")} `, input);
}

/** Show the fields of the tab and the kind that are chosen, with what is in them. */
function fill(): void {
  for (const tab of tabs) {
    const chosen = tab.dataset["tab"] === state.tab;
    tab.setAttribute("aria-selected", String(chosen));
    tab.tabIndex = chosen ? 0 : -1;
    get(tab.dataset["tab"]!).hidden = !chosen;
  }
  const asRows = state.kind === "messages";
  get("rows").hidden = get("add").hidden = !asRows;
  get("switches").hidden = state.tab === "schema";
  json.hidden = asRows;
  if (state.kind !== "messages") json.value = state.texts[state.kind as "chat"];
  kind.value = state.kind;
  reply.value = state.reply;
  role.value = state.role;
  recover.checked = state.recover;
  parameters.value = state.schema;
  complete.checked = state.complete;
  drawRows();
}

function choose(tab: string): void {
  state.tab = tab;
  fill();
  update();
}

function listen(): void {
  for (const [index, tab] of tabs.entries()) {
    tab.addEventListener("click", () => choose(tab.dataset["tab"]!));
    tab.addEventListener("keydown", ({ key }) => {
      const step = { ArrowRight: 1, ArrowLeft: tabs.length - 1 }[key];
      if (step === undefined) return;
      const next = tabs[(index + step) % tabs.length]!;
      choose(next.dataset["tab"]!);
      next.focus();
    });
  }
  const typed = (area: HTMLElement, event: string, take: () => void) =>
    area.addEventListener(event, () => (take(), update()));
  typed(json, "input", () => (state.texts[state.kind as "chat"] = json.value));
  typed(reply, "input", () => (state.reply = reply.value));
  typed(parameters, "input", () => (state.schema = parameters.value));
  typed(complete, "change", () => (state.complete = complete.checked));
  typed(kind, "change", () => ((state.kind = kind.value as Kind), fill()));
  typed(role, "change", () => (state.role = role.value));
  typed(recover, "change", () => (state.recover = recover.checked));
  streamButton.addEventListener("click", stream);
  get("add").addEventListener("click", () => {
    state.messages.push({ role: "user", content: "" });
    drawRows();
    update();
    get("rows").querySelector<HTMLElement>(".row:last-child textarea")!.focus();
  });
  get("link").addEventListener("click", () => void putLink());
  addEventListener("hashchange", () => void takeLink().then(update));
}

// A link that carries what is typed in its fragment

async function putLink(): Promise<void> {
  history.replaceState(null, "", `#${await packed(state)}`);
  const said = get("linked");
  said.textContent = "The address of this page has it now.";
  await navigator.clipboard?.writeText(location.href).then(
    () => (said.textContent = "Copied."),
    () => {},
  );
}

async function takeLink(): Promise<void> {
  const found = await unpacked(location.hash.slice(1), EXAMPLES);
  if (found) Object.assign(state, found);
  fill();
}

/** What stands in the page as base64, packed by gzip. */
async function inside(id: string): Promise<ArrayBuffer> {
  const bytes = Uint8Array.from(atob(get(id).textContent!), (c) =>
    c.charCodeAt(0),
  );
  const stream = new Blob([bytes])
    .stream()
    .pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}

listen();
await takeLink();
const [wasm, vocabulary] = await Promise.all([
  inside("wasm"),
  inside("vocabulary"),
]);
encoding = await loadHarmonyEncoding({ wasm, vocabulary });
update();
document.documentElement.dataset["ready"] = "yes";
