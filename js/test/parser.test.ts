/** Tokens to messages: the goldens of the Python suite, and what is ours. */
import assert from "node:assert/strict";
import test from "node:test";
import {
  type ParsedMessage,
  ParseError,
  type Role,
  SegmentStream,
  StreamableParser,
  ValueError,
} from "harmony-format";
import { encoding, file, harmony, lines, portions } from "./support.js";

interface Block {
  title: string;
  inputs: Record<string, string>;
  log: string[];
}

function blocks(): Block[] {
  const found: Block[] = [];
  for (const line of file("test-data/parser.txt").split("\n")) {
    if (line.startsWith("== "))
      found.push({ title: line.slice(3), inputs: {}, log: [] });
    else if (line.startsWith("  ")) found.at(-1)!.log.push(line);
    else if (line && !line.startsWith("#")) {
      const at = line.indexOf(": ");
      found.at(-1)!.inputs[line.slice(0, at)] = line.slice(at + 2);
    }
  }
  return found;
}

/** Text with the escapes of Python, of which the file has these. */
function unescaped(text: string): string {
  return text.replace(
    /\\(n|t|r|\\|'|"|x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})/g,
    (_, kind) => {
      const known: Record<string, string> = { n: "\n", t: "\t", r: "\r" };
      if (kind.length > 1) return String.fromCodePoint(parseInt(kind.slice(1), 16));
      return known[kind] ?? kind;
    },
  );
}

/** Text as Python's `repr` shows it, which the log has. */
function quoted(text: string): string {
  const mark = text.includes("'") && !text.includes('"') ? '"' : "'";
  const inside = text.replace(/[\\\n\t\r]/g, (c) => JSON.stringify(c).slice(1, -1));
  return mark + (mark === "'" ? inside.replaceAll("'", "\\'") : inside) + mark;
}

/** What can be seen of a parser and is not null; the log's line without its token. */
function seen(parser: StreamableParser): string {
  const said: string[] = [parser.state];
  if (parser.currentRole !== null) said.push(`role=${parser.currentRole}`);
  const words = {
    channel: parser.currentChannel,
    recipient: parser.currentRecipient,
    content_type: parser.currentContentType,
    delta: parser.lastContentDelta,
  };
  for (const [name, value] of Object.entries(words)) {
    if (value !== null) said.push(`${name}=${quoted(value)}`);
  }
  return said.join(" ");
}

test("the event logs of parser.txt", () => {
  const all = blocks();
  assert.ok(all.length > 40);
  for (const { title, inputs, log } of all) {
    const tokens: number[] = inputs["tokens"]
      ? JSON.parse(inputs["tokens"])
      : harmony(unescaped(inputs["text"]!));
    const strict = (inputs["strict"] ?? "yes") === "yes";
    const parser = new StreamableParser(encoding, (inputs["role"] ?? null) as Role, {
      strict,
    });
    for (const [index, token] of [...tokens, null].entries()) {
      let error = "";
      try {
        if (token === null) parser.processEos();
        else parser.process(token);
      } catch (caught) {
        error = ` error=${(caught as Error).message}`;
      }
      // The name of the token fills 16 columns or has no space behind it.
      const line = log[index]!;
      assert.ok(
        line.endsWith(seen(parser) + error),
        `${title}: ${line} | ${seen(parser)}${error}`,
      );
    }
    const messages = log
      .slice(tokens.length + 1)
      .map((line) => JSON.parse(line.slice(5)));
    assert.deepEqual(parser.messages, messages, title);
    parser.free();
  }
});

/** A message as malformed.jsonl has it. */
function form(message: ParsedMessage): object {
  const { role, name, content } = message;
  return {
    role,
    name,
    channel: message.channel ?? null,
    recipient: message.recipient ?? null,
    content_type: message.content_type ?? null,
    text: content.map((item) => item.text).join(""),
  };
}

test("what models wrote that is not well-formed", () => {
  for (const line of lines("malformed.jsonl")) {
    const { id, role, text, tokens, expect } = JSON.parse(line);
    const ids: number[] = tokens ?? harmony(text);
    for (const portion of portions(ids)) {
      const parser = new StreamableParser(encoding, role, { onError: "recover" });
      const said: string[] = [];
      const take = (segments: ReturnType<StreamableParser["feed"]>) => {
        for (const { message, text } of segments)
          said[message] = (said[message] ?? "") + text;
      };
      for (const fed of portion) take(parser.feed(fed));
      take(parser.finish());
      assert.deepEqual(parser.messages.map(form), expect, id);
      // The deltas joined are the contents.
      const contents = parser.messages.map((message) => message.content[0]!.text);
      assert.deepEqual(
        contents.map((_, at) => said[at] ?? ""),
        contents,
        id,
      );
      parser.free();
    }
  }
});

const REPLY =
  "<|channel|>analysis<|message|>Easy.<|end|>" +
  "<|start|>assistant<|channel|>final<|message|>2 + 2 = 4. 😀<|return|>";

test("one by one and many at once", () => {
  const tokens = harmony(REPLY);
  const whole = new StreamableParser(encoding, "assistant");
  assert.deepEqual(
    whole.feed(tokens).map(({ channel, text, finished }) => [channel, text, finished]),
    [
      ["analysis", "Easy.", true],
      ["final", "2 + 2 = 4. 😀", true],
    ],
  );
  const single = new StreamableParser(encoding, "assistant");
  let said = "";
  for (const token of tokens) {
    single.process(token);
    assert.equal(single.lastSegment?.text ?? null, single.lastContentDelta);
    if (single.currentChannel === "final") said += single.lastContentDelta ?? "";
  }
  assert.equal(said, "2 + 2 = 4. 😀");
  assert.deepEqual(single.messages, whole.messages);
  assert.deepEqual(single.tokens, tokens);
  assert.deepEqual(
    whole.messageTokens.map(({ start, end }) => [start, end]),
    [
      [0, "end"],
      [6, "return"],
    ],
  );
  assert.equal(whole.openTokens, null);
  assert.equal(whole.messages, whole.messages);
});

test("counts by channel and recipient", () => {
  const parser = new StreamableParser(encoding, "assistant");
  parser.feed(harmony("<|channel|>commentary to=functions.f<|message|>{}<|call|>"));
  assert.deepEqual(
    [...parser.tokenCounts],
    [["commentary", { header: 8, content: 2 }]],
  );
  assert.deepEqual(parser.countTokens({ special: false }), [
    { channel: "commentary", recipient: "functions.f", header: 6, content: 1 },
  ]);
});

test("behind a prompt", () => {
  const prompt = harmony("<|start|>user<|message|>hi<|end|><|start|>assistant");
  const parser = StreamableParser.after(encoding, prompt);
  assert.equal(parser.currentRole, "assistant");
  assert.equal(parser.state, "Header");
  const begun = harmony("<|start|>assistant<|channel|>final<|message|>2 +");
  const prefilled = StreamableParser.after(encoding, begun);
  assert.equal(prefilled.currentContent, "2 +");
  assert.equal(prefilled.state, "Content");
  const fed = new StreamableParser(encoding);
  fed.feed(prompt);
  assert.equal(fed.nextRole, "assistant");
});

test("errors have a position, and the parser goes on", () => {
  const parser = new StreamableParser(encoding);
  const at = (call: () => unknown, position: number) =>
    assert.throws(
      call,
      (error) => error instanceof ParseError && error.position === position,
    );
  at(() => parser.feed(harmony("<|start|>user<|message|>a<|end|>stray")), 5);
  assert.equal(parser.messages.length, 1);
  at(() => parser.feed(harmony("<|start|>a b c d<|message|>")), 11);
  parser.feed(harmony("<|start|>user<|message|>b<|end|>"));
  assert.equal(parser.messages.length, 2);
  at(() => encoding.parse([200006]), 1);
});

test("repairs are warnings", () => {
  const parser = new StreamableParser(encoding, null, { onError: "recover" });
  parser.feed(harmony("4, of course."));
  assert.deepEqual(
    parser.finish().map(({ text }) => text),
    ["4, of course."],
  );
  assert.deepEqual(parser.warnings, [{ kind: "bare_text", position: 5, text: "" }]);
});

test("wrong values", () => {
  assert.throws(() => new StreamableParser(encoding, "bob" as Role), ValueError);
  const onError = "ignore" as "raise";
  assert.throws(() => new StreamableParser(encoding, null, { onError }), ValueError);
  const parser = new StreamableParser(encoding, "assistant", { onError: "recover" });
  for (const token of [1.5, NaN, "5" as never, null as never]) {
    assert.throws(() => parser.process(token), TypeError);
    assert.throws(() => parser.feed([token]), TypeError);
  }
  assert.throws(() => parser.process(2 ** 32 + 5), /Invalid token/);
  assert.equal(parser.tokens.length, 0);
});

function streamOf<T>(chunks: Iterable<T>): ReadableStream<T> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
}

test("a stream of tokens as a stream of segments", async () => {
  const tokens = harmony(REPLY);
  for (const chunks of [tokens, [tokens], [Int32Array.from(tokens)]]) {
    const stream = new SegmentStream(encoding, "assistant");
    const source = streamOf<number | number[] | Int32Array>(chunks);
    const said = new Map<string | null, string>();
    for await (const { channel, text } of source.pipeThrough(stream)) {
      said.set(channel, (said.get(channel) ?? "") + text);
    }
    assert.equal(said.get("final"), "2 + 2 = 4. 😀");
    assert.equal(stream.parser.messages.length, 2);
  }
});
