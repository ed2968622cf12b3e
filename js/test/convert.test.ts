/** Requests and replies: the examples that the Python suite runs too. */
import assert from "node:assert/strict";
import test from "node:test";
import { HarmonyError, readJson, ValueError } from "harmony-format";
import * as chat from "harmony-format/chat";
import * as responses from "harmony-format/responses";
import {
  encoding,
  harmony,
  type Json,
  lines,
  numbered,
  pathOf,
  portions,
} from "./support.js";

const DATE = "2025-06-28";
const CASES: Json[] = lines("convert-examples.jsonl").map((line) => JSON.parse(line));
const TEXTS = lines("convert-examples.jsonl");

function cases(kind: string): Json[] {
  const found = CASES.filter((one) => one["kind"] === kind);
  assert.ok(found.length);
  return found;
}

/** An option of Python's by our name. */
function camel(options: Json): Json {
  return Object.fromEntries(
    Object.entries(options).map(([key, value]) => [
      key.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase()),
      value,
    ]),
  );
}

function checkPrompt(
  api: { prompt: typeof chat.prompt },
  one: Json,
  request: any,
): void {
  const previous = one["previous"] ? { previous: one["previous"] } : {};
  const options = { date: DATE, ...camel(one["options"]), ...previous };
  if (one["error"]) {
    assert.equal(
      pathOf(() => api.prompt(request, options)),
      one["error"],
    );
    return;
  }
  const prompt = api.prompt(request, options);
  const tokens = prompt.tokens(encoding);
  assert.equal(encoding.decode(tokens), one["text"], one["name"]);
  assert.equal(tokens.length, one["token_count"]);
  assert.equal(prompt.mustCall, one["must_call"]);
  assert.deepEqual(prompt.mayCall, one["may_call"]);
  assert.equal(prompt.parallel, one["parallel"]);
  assert.equal(prompt.open, one["open"]);
  checkConversation(prompt, one, tokens);
}

/** The conversation as plain objects renders to the same tokens. */
function checkConversation(prompt: chat.Prompt, one: Json, tokens: number[]): void {
  const channelFirst = one["options"].header === "model";
  const dropAnalysis = one["options"].drop_analysis ?? "per_turn";
  const { conversation } = prompt;
  const config = { channelFirst, dropAnalysis };
  const again = prompt.open
    ? encoding.renderConversationForContinuation(conversation, config)
    : encoding.renderConversationForCompletion(conversation, "assistant", config);
  assert.deepEqual(again, tokens);
}

for (const [api, kind] of [
  [chat, "chat_prompt"],
  [responses, "responses_prompt"],
] as const) {
  test(`${kind}: requests as objects, and as text`, () => {
    for (const one of cases(kind)) {
      checkPrompt(api, one, one["request"]);
      checkPrompt(api, one, JSON.stringify(one["request"]));
      const text = TEXTS[CASES.indexOf(one)]!;
      checkPrompt(api, one, (readJson(text) as Json)["request"]);
    }
  });
}

/** A value with the texts that may be any, those with `#`, as expected. */
function withIds(value: any, expected: any): any {
  if (typeof expected === "string" && expected.includes("#")) {
    return typeof value === "string" ? expected : value;
  }
  if (typeof value !== "object" || value === null || !expected) return value;
  if (Array.isArray(value)) return value.map((item, at) => withIds(item, expected[at]));
  const entries = Object.entries(value);
  return Object.fromEntries(
    entries.map(([key, item]) => [key, withIds(item, expected[key])]),
  );
}

/** The deltas of chunks as the examples have them: neighbours of a kind joined. */
function deltasOf(chunks: Json[]): any[][] {
  const joined: any[][] = [];
  for (const chunk of chunks) {
    const delta: Json = chunk["choices"][0].delta;
    if ("role" in delta || !Object.keys(delta).length) continue;
    const [key, value] = Object.entries(delta)[0]!;
    if (key !== "tool_calls") {
      if (joined.at(-1)?.[0] !== key) joined.push([key, ""]);
      joined.at(-1)![1] += value;
      continue;
    }
    const { index, function: called } = value[0];
    if (called.name !== undefined) joined.push(["call", index, called.name, ""]);
    else joined.at(-1)![3] += called.arguments;
  }
  return joined;
}

test("chat replies, whole and in portions", () => {
  for (const { request, tokens, reason, expect, name } of cases(
    "chat_reply",
  ) as any[]) {
    const prompt = chat.prompt(request, { date: DATE });
    for (const fed of portions(tokens)) {
      const options = { model: "m", created: 7, newId: numbered() };
      const stream = new chat.ChatStream(encoding, prompt, options);
      const chunks = [
        ...fed.flatMap((portion) => stream.feed(portion)),
        ...stream.finish(reason),
      ];
      const whole = stream.completion() as any;
      const [choice] = whole.choices;
      assert.deepEqual(withIds(choice.message, expect.message), expect.message, name);
      assert.equal(choice.finish_reason, expect.finish_reason);
      const { completion_tokens_details, ...usage } = whole.usage;
      assert.deepEqual({ ...usage, ...completion_tokens_details }, expect.usage);
      assert.deepEqual(deltasOf(chunks), expect.deltas, name);
      assert.deepEqual((chunks[0] as any).choices[0].delta, {
        role: "assistant",
        content: "",
      });
      stream.free();
    }
    const whole = chat.completion(encoding, prompt, tokens, { reason }) as any;
    assert.equal(whole.object, "chat.completion");
  }
});

/** Events as the examples have them: type, index and text, deltas joined. */
function eventsOf(events: Json[]): any[][] {
  const joined: any[][] = [];
  for (const event of events) {
    const said = [event["type"]];
    if ("output_index" in event) said.push(event["output_index"]);
    const last = joined.at(-1);
    if ("delta" in event && last?.[0] === said[0] && last?.[1] === said[1]) {
      last![2] += event["delta"];
    } else joined.push("delta" in event ? [...said, event["delta"]] : said);
  }
  return joined;
}

test("replies of the Responses API, whole and in portions", () => {
  for (const { request, tokens, reason, expect, name } of cases(
    "responses_reply",
  ) as any[]) {
    const prompt = responses.prompt(request, { date: DATE });
    for (const fed of portions(tokens)) {
      const options = { model: "m", createdAt: 7, newId: numbered() };
      const stream = new responses.ResponseStream(encoding, prompt, options);
      const events = stream.start();
      for (const portion of fed) events.push(...stream.feed(portion));
      events.push(...stream.finish(reason));
      const whole = stream.response() as any;
      assert.deepEqual(withIds(whole.output, expect.output), expect.output, name);
      for (const key of ["usage", "status", "incomplete_details"]) {
        assert.deepEqual(whole[key], expect[key], name);
      }
      assert.deepEqual(eventsOf(events), expect.events, name);
      const numbers = events.map((event) => event["sequence_number"]);
      assert.deepEqual(numbers, [...numbers.keys()]);
      stream.free();
    }
    const whole = responses.response(encoding, prompt, tokens, { reason }) as any;
    assert.equal(whole.object, "response");
  }
});

const USER = { role: "user", content: "Rome?" };

test("wrong options and the order of calls", () => {
  const prompt = chat.prompt({ messages: [USER] });
  const asked = (options: any) =>
    pathOf(() => chat.prompt({ messages: [USER] }, options));
  assert.equal(asked({ header: "x" }), "header");
  assert.equal(asked({ dropAnalysis: "x" }), "dropAnalysis");
  assert.equal(asked({ unknownTools: "x" }), "unknownTools");
  assert.equal(asked({ renameTools: 1 }), "renameTools");
  assert.equal(asked({ date: 5 }), "date");
  assert.equal(asked({ builtinTools: ["x"] }), "builtinTools[0]");
  assert.equal(
    pathOf(() => chat.prompt("{")),
    "JSON",
  );
  assert.equal(
    pathOf(() => responses.prompt({ input: [] })),
    "input",
  );
  const stream = new chat.ChatStream(encoding, prompt);
  assert.throws(() => stream.completion(), HarmonyError);
  assert.throws(() => stream.finish("x" as "stop"), ValueError);
  stream.finish();
  assert.throws(() => stream.finish(), HarmonyError);
  assert.throws(() => stream.feed([1]), HarmonyError);
  for (const reasoningField of ["content", "", []]) {
    assert.throws(
      () => new chat.ChatStream(encoding, prompt, { reasoningField }),
      ValueError,
    );
  }
});

test("a number beyond all doubles is refused by its path; it was .Infinity", () => {
  const refused = (rest: string) =>
    pathOf(() => chat.prompt(`{"messages": [{"role": "user", "content": "x"}${rest}}`));
  const schema = (value: string) =>
    `], "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {"const": ${value}}}}`;
  const path = "response_format.json_schema.schema.const";
  assert.equal(refused(schema("-1e400")), path);
  assert.equal(refused(schema("9".repeat(400))), "");
  const call = `{"type": "function", "function": {"name": "f", "arguments": {"a": 1e400}}}`;
  assert.equal(
    refused(`, {"role": "assistant", "tool_calls": [${call}]}]`),
    "messages[1].tool_calls[0].function.arguments",
  );
});

test("more of anything than a call takes arguments", () => {
  const count = 150_000;
  const results = Array(count).fill({ role: "tool", name: "f", content: "" });
  const { messages } = chat.prompt({ messages: [USER, ...results] }).conversation;
  assert.equal(messages.length, count + 2);
});

test("the date is today's by default, local", () => {
  const now = new Date();
  const text = encoding.decode(chat.prompt({ messages: [USER] }).tokens(encoding));
  const date = /Current date: (\d+)-(\d+)-(\d+)/.exec(text)!.slice(1).map(Number);
  assert.deepEqual(date, [now.getFullYear(), now.getMonth() + 1, now.getDate()]);
});

test("several calls, and one only", () => {
  const call = (name: string) =>
    `<|start|>assistant<|channel|>commentary to=functions.${name}<|message|> <|call|>`;
  const tokens = harmony((call("a") + call("b")).slice("<|start|>assistant".length));
  const names = (request: object) => {
    const prompt = chat.prompt({ messages: [USER], ...request });
    const whole = chat.completion(encoding, prompt, tokens) as any;
    return whole.choices[0].message.tool_calls.map((one: any) => one.function);
  };
  assert.deepEqual(names({}), [
    { name: "a", arguments: " {}" },
    { name: "b", arguments: " {}" },
  ]);
  assert.equal(names({ parallel_tool_calls: false }).length, 1);
});

test("a custom tool's input is decoded as it streams", () => {
  const tools = [{ type: "custom", name: "shell" }];
  const prompt = responses.prompt({ input: "x", tools });
  const written = String.raw`{"input": "a\n\ud83d\ude00 \\ \q"}`;
  const text = `<|channel|>commentary to=functions.shell<|message|>${written}<|call|>`;
  for (const fed of portions(harmony(text))) {
    const stream = new responses.ResponseStream(encoding, prompt);
    for (const portion of fed) stream.feed(portion);
    stream.finish();
    const [item] = stream.response()["output"] as any[];
    assert.equal(item.type, "custom_tool_call");
    assert.equal(item.input, "a\n😀 \\ \\q");
  }
});

test("both names of tools", () => {
  const tools = ["a-b", "a_b", "2fa", "日本", "²x"].map((name) => ({
    type: "function",
    function: { name },
  }));
  const { names } = chat.prompt({ messages: [USER], tools });
  assert.deepEqual(
    ["a-b", "a_b", "2fa", "日本", "²x"].map((name) => names.toHarmony(name)),
    ["a_b_2", "a_b", "_2fa", "日本", "_²x"],
  );
  assert.equal(names.toClient("a_b_2"), "a-b");
});
