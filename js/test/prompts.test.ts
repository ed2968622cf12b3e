/** Goldens that the Python suite runs too: prompts, and schemas as TypeScript. */
import assert from "node:assert/strict";
import test from "node:test";
import { readJson, RenderError } from "harmony-format";
import { encoding, file, lines, namespaceOf, pathOf } from "./support.js";

type Any = any;

function textOf(role: string, content: Any, functionTools: boolean): string {
  const message = { role, content: [content] } as Any;
  const options = { conversationHasFunctionTools: functionTools };
  const said = encoding.decodeUtf8(encoding.render(message, options));
  const before = `<|start|>${role}<|message|>`;
  assert.ok(said.startsWith(before) && said.endsWith("<|end|>"));
  return said.slice(before.length, -"<|end|>".length);
}

test("prompts, read from JSON text", () => {
  let count = 0;
  for (const line of lines("prompts.jsonl")) {
    const { why, role, content, function_tools, text } = readJson(line) as Any;
    if (text === undefined) continue;
    assert.equal(textOf(role, content, function_tools), text, why);
    count++;
  }
  assert.ok(count > 100);
});

const LOST = /^(default|keys of digits|JSON values|random)/;

test("prompts, as JavaScript reads them", () => {
  for (const line of lines("prompts.jsonl")) {
    const { why, role, content, function_tools, text } = JSON.parse(line) as Any;
    if (text === undefined || LOST.test(why)) continue;
    assert.equal(textOf(role, content, function_tools), text, why);
  }
});

test("messages that are refused, by their path", () => {
  let count = 0;
  for (const line of lines("prompts.jsonl")) {
    const { message, error } = JSON.parse(line) as Any;
    if (error === undefined) continue;
    assert.equal(
      pathOf(() => encoding.render(message)),
      error,
    );
    count++;
  }
  assert.ok(count > 20);
});

test("schemas as TypeScript", () => {
  for (const line of lines("typescript.jsonl")) {
    const { schema, typescript, why } = readJson(line) as Any;
    // A schema that is no object can stand in an array alone.
    const isObject =
      schema instanceof Map ||
      (typeof schema === "object" && schema && !Array.isArray(schema));
    const parameters = isObject ? schema : { type: "array", items: schema };
    const tools = { f: { name: "f", tools: [{ name: "g", parameters }] } };
    const said = textOf("developer", { type: "developer_content", tools }, false);
    const found = said
      .split("type g = (_: ")[1]!
      .split(") => any;\n\n} // namespace f")[0]!;
    assert.equal(isObject ? found : found.replace(/\[\]$/, ""), typescript, why);
  }
});

test("schemas as complete TypeScript", () => {
  const golden = file("test-data/complete_typescript.txt");
  const complete = new Map(
    golden
      .split("\n\n== ")
      .slice(1)
      .map((block) => {
        const [before, text] = block.split("\n-- complete\n");
        return [before!.split("\n")[0]!, text!.replace(/\n$/, "")];
      }),
  );
  assert.ok(complete.size > 50);
  for (const line of lines("typescript.jsonl")) {
    const { schema, typescript, why } = readJson(line) as Any;
    const expected = complete.get(why) ?? `type f = (_: ${typescript}) => any;`;
    assert.equal(namespaceOf(schema), expected, why);
    complete.delete(why);
  }
  assert.equal(complete.size, 0);
});

test("more lines and references than a call takes arguments", () => {
  const count = 150_000;
  const lost = Array(count).fill({ $ref: "#/$defs/A" });
  const description = "x\n".repeat(count);
  const said = namespaceOf({ anyOf: lost, description, $defs: { A: {} } });
  assert.equal(said.split("// x\n").length, count + 1);
  assert.equal(said.split("\n | any").length, count + 1);
});

test("complete schemas are asked for", () => {
  const parameters = { anyOf: [{ type: "object" }, { type: "null" }] };
  const functions = { name: "functions", tools: [{ name: "f", parameters }] };
  const content = [{ type: "developer_content", tools: { functions } }];
  const message = { role: "developer", content } as Any;
  const text = (schemas: Any) => encoding.decode(encoding.render(message, { schemas }));
  assert.match(text("reference"), /\(_: any\)/);
  assert.match(text("complete"), /\(_: \{\n\} \| null\)/);
  assert.equal(
    pathOf(() => text("other")),
    "schemas",
  );
  const whole = encoding.renderConversation([message], { schemas: "complete" });
  assert.equal(encoding.decode(whole), text("complete"));
});

test("numbers as objects have them", () => {
  const parameters = (value: unknown) => ({
    type: "object",
    properties: { a: { default: value } },
  });
  const shown = (value: unknown) => {
    const tools = {
      f: { name: "f", tools: [{ name: "g", parameters: parameters(value) }] },
    };
    const said = textOf("developer", { type: "developer_content", tools }, false);
    return said.split("// default: ")[1]!.split("\n")[0];
  };
  assert.equal(shown(1.0), "1");
  assert.equal(shown(-0), "0");
  assert.equal(shown(0.1), "0.1");
  assert.equal(shown(1e21), "1e21");
  assert.equal(shown(12345678901234567890n), "12345678901234567890");
  assert.equal(shown([undefined, null].slice(1)), "[null]");
});

test("what is no JSON is refused by its path", () => {
  const refused = (parameters: Any) =>
    pathOf(() =>
      encoding.render({
        role: "developer",
        content: [
          {
            type: "developer_content",
            tools: { n: { name: "n", tools: [{ name: "f", parameters }] } },
          },
        ],
      }),
    );
  const path = "content[0].tools.n.tools[0].parameters";
  assert.equal(refused({ a: NaN }), `${path}.a`);
  assert.equal(refused({ a: [() => 1] }), `${path}.a[0]`);
  const deep: Any = {};
  let inner = deep;
  for (let level = 0; level < 300; level++) inner = inner.a = {};
  assert.match(refused(deep), /^content\[0\]\.tools.*…$/);
});

test("a content in a message of another role", () => {
  const message = { role: "user", content: [{ type: "system_content" }] } as Any;
  assert.throws(() => encoding.render(message), RenderError);
  assert.throws(
    () => encoding.renderConversation([message]),
    /^RenderError: messages\[0\]: /,
  );
});
