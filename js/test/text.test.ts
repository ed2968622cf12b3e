/** Text to tokens and back. */
import assert from "node:assert/strict";
import test from "node:test";
import { DecodeError, EncodeError, ValueError } from "harmony-format";
import { encoding, file, harmony } from "./support.js";

test("tokens of text, as a list, as an array, and counted", () => {
  assert.deepEqual(encoding.encode("hello world"), [24912, 2375]);
  assert.deepEqual(encoding.encodeToArray("hello world"), Int32Array.of(24912, 2375));
  assert.equal(encoding.count("hello world"), 2);
  assert.deepEqual(encoding.encode(""), []);
});

test("every language comes back, and counts agree", () => {
  for (const line of file("test-data/languages.tsv").split("\n")) {
    const tokens = encoding.encode(line);
    assert.equal(encoding.decode(tokens), line);
    assert.equal(encoding.count(line), tokens.length);
    assert.deepEqual([...encoding.encodeToArray(line)], tokens);
  }
});

test("text longer than the memory at hand", () => {
  const text = "naïve 東京 ".repeat(300_000);
  const tokens = encoding.encodeToArray(text);
  assert.equal(encoding.decode(tokens), text);
});

test("lone surrogates are U+FFFD, pairs the character", () => {
  assert.deepEqual(encoding.encode("a\ud83d"), encoding.encode("a\ufffd"));
  assert.equal(encoding.decode(encoding.encode("\ud83d\ude00")), "\u{1f600}");
});

test("a byte order mark is text", () => {
  assert.equal(encoding.decode(encoding.encode("\ufeffa")), "\ufeffa");
});

test("text that spells special tokens", () => {
  const refused = (call: () => unknown) => assert.throws(call, EncodeError);
  const special = { allowedSpecial: ["<|end|>"] };
  assert.deepEqual(encoding.encode("<|end|>", special), [200007]);
  assert.deepEqual(encoding.encode("<|end|>", { allowedSpecial: "all" }), [200007]);
  assert.equal(encoding.encode("<|end|>", { disallowedSpecial: [] }).length, 5);
  assert.equal(encoding.count("a < b <| c"), 6);
  refused(() => encoding.encode("<|end|>"));
  refused(() => encoding.encode("<|end|><|start|>", special));
  refused(() => encoding.count("stop here", { disallowedSpecial: ["here"] }));
  const mixed = { ...special, disallowedSpecial: ["<|call|>"] };
  assert.deepEqual(
    encoding.encode("<|end|><|start|>", mixed).slice(0, 2),
    [200007, 27],
  );
  refused(() => encoding.encode("é<|call|>", mixed));
  assert.throws(
    () => encoding.encode("<|end|>", { allowedSpecial: "<|end|>" as "all" }),
    ValueError,
  );
});

test("the first disallowed text is named", () => {
  const message = (text: string, disallowedSpecial: string[]) => {
    try {
      encoding.encode(text, { disallowedSpecial });
    } catch (error) {
      return String(error).split("\n")[0];
    }
    return "";
  };
  assert.match(message("é x <|end|>", ["x", "<|end|>"])!, /token 'x'/);
  assert.match(message("é <|end|> x", ["x", "<|end|>"])!, /'<\|end\|>'/);
});

test("special tokens", () => {
  assert.equal(encoding.specialTokens.get("<|start|>"), 200006);
  assert.equal(encoding.specialTokens.size, 1091);
  assert.ok(encoding.isSpecialToken(200002) && !encoding.isSpecialToken(0));
  assert.ok(!encoding.isSpecialToken(0.5) && !encoding.isSpecialToken(2 ** 40));
  assert.deepEqual(encoding.stopTokens(), [200002, 200007, 200012]);
  assert.deepEqual(encoding.stopTokensForAssistantActions(), [200002, 200012]);
});

test("tokens that can't be decoded, by their position", () => {
  const at = (call: () => unknown, position: number | null) =>
    assert.throws(
      call,
      (error) => error instanceof DecodeError && error.position === position,
    );
  at(() => encoding.decode([1, 2, 99999999]), 2);
  at(() => encoding.decodeBytes([-1]), 0);
  at(() => encoding.decode([1, 2 ** 40]), 1);
  at(() => encoding.decodeUtf8([9552]), null);
  assert.equal(encoding.decode([9552]), " \ufffd");
  assert.deepEqual(encoding.decodeBytes([9552]), Uint8Array.of(0x20, 0xf0, 0x9f));
  assert.throws(() => encoding.decode([1.5]), TypeError);
  assert.throws(() => encoding.decode(["1" as never]), TypeError);
});

test("what is no text is a TypeError", () => {
  for (const value of [null, 5, undefined, ["a"]]) {
    assert.throws(() => encoding.encode(value as never), TypeError);
  }
});

test("harmony text", () => {
  assert.deepEqual(harmony("<|start|>user<|message|>"), [200006, 1428, 200008]);
});
