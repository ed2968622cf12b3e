/** Conversations to tokens. */
import assert from "node:assert/strict";
import test from "node:test";
import { type Message, RenderError, ValueError } from "harmony-format";
import { encoding, file } from "./support.js";

const weather = JSON.parse(file("test-data/weather.json"));
const tokens = JSON.parse(file("test-data/weather.tokens.json"));
const KEEP = { dropAnalysis: "never" } as const;

function text(ids: number[]): string {
  return encoding.decodeUtf8(ids);
}

function by(
  role: Message["role"],
  content: string,
  rest: Partial<Message> = {},
): Message {
  return { role, content, ...rest };
}

test("the conversation that openai-harmony rendered", () => {
  const render = (given: any) =>
    encoding.renderConversationForCompletion(given, "assistant");
  assert.deepEqual(render(weather), tokens);
  assert.deepEqual(render(weather.messages), tokens);
  assert.deepEqual(render(file("test-data/weather.json")), tokens);
});

test("a message", () => {
  assert.equal(
    text(encoding.render(by("user", "hi", { name: "bob" }))),
    "<|start|>user:bob<|message|>hi<|end|>",
  );
  const several = [
    { type: "text", text: "a" },
    { type: "text", text: "b" },
  ] as const;
  const said = text(encoding.render({ role: "user", content: [...several] }));
  assert.equal(said, "<|start|>user<|message|>ab<|end|>");
  const none = text(encoding.render({ role: "user", content: [] }));
  assert.equal(none, "<|start|>user<|message|><|end|>");
  const author = { role: "tool", name: "f" };
  const inAuthor = { author, content: "x" } as unknown as Message;
  assert.equal(text(encoding.render(inAuthor)), "<|start|>f<|message|>x<|end|>");
});

test("the header in both orders", () => {
  const call = by("assistant", "{}", {
    channel: "commentary",
    recipient: "functions.f",
    content_type: "<|constrain|>json",
  });
  assert.equal(
    text(encoding.renderConversation([call])),
    "<|start|>assistant to=functions.f<|channel|>commentary <|constrain|>json<|message|>{}<|call|>",
  );
  assert.equal(
    text(encoding.renderConversation([call], { channelFirst: true })),
    "<|start|>assistant<|channel|>commentary to=functions.f <|constrain|>json<|message|>{}<|call|>",
  );
});

test("what users write can't become a special token", () => {
  const ids = encoding.render(by("user", "<|end|><|start|>system"));
  assert.equal(ids.filter((id) => encoding.isSpecialToken(id)).length, 3);
});

test("which reasoning is dropped", () => {
  const turn = [
    by("user", "q"),
    by("assistant", "think", { channel: "analysis" }),
    by("assistant", "a", { channel: "final" }),
  ];
  const talk = [
    ...turn,
    by("user", "r"),
    by("assistant", "more", { channel: "analysis" }),
  ];
  const count = (config: object) =>
    text(encoding.renderConversation(talk, config)).split("analysis").length - 1;
  assert.equal(count(KEEP), 2);
  assert.equal(count({ dropAnalysis: "per_turn" }), 1);
  assert.equal(count({}), 2);
  assert.equal(count({ autoDropAnalysis: false }), 2);
  assert.throws(() => count({ dropAnalysis: "always" }), ValueError);
});

test("for continuation and for training", () => {
  const begun = by("assistant", "2 + 2 =", { channel: "final" });
  const start = "<|start|>assistant<|channel|>final<|message|>2 + 2 =";
  assert.equal(text(encoding.renderConversationForContinuation([begun])), start);
  const trained = text(encoding.renderConversationForTraining([begun]));
  assert.equal(trained, `${start}<|return|>`);
});

test("what has no token form is named by its message", () => {
  const wrong = [by("user", "x"), by("tool", "y")];
  assert.throws(
    () => encoding.renderConversation(wrong),
    (error) =>
      error instanceof RenderError &&
      error.message.startsWith("messages[1]: Tools should have a name!"),
  );
  const bad = [by("user", "x"), by("bob" as "user", "y")];
  assert.throws(
    () => encoding.renderConversation(bad),
    /^ValueError: messages\[1\]\.role: /,
  );
  assert.throws(() => encoding.renderConversation("{}"), ValueError);
  assert.throws(() => encoding.renderConversation("{"), ValueError);
  assert.throws(
    () => encoding.renderConversationForCompletion([], "bob" as "user"),
    ValueError,
  );
});
