/** JSON text that keeps what JavaScript would lose. */
import assert from "node:assert/strict";
import test from "node:test";
import { JsonNumber, JsonObject, readJson, ValueError } from "harmony-format";

test("plain JSON is plain", () => {
  for (const text of [
    '{"a":[1,2.5,"x\\n",null,true]}',
    "[]",
    "{}",
    '"a"',
    " 0.5 ",
    "-7",
  ]) {
    assert.deepEqual(readJson(text), JSON.parse(text));
  }
});

test("numbers that JavaScript would change", () => {
  for (const source of [
    "1.0",
    "-0",
    "-0.0",
    "1e5",
    "1E+2",
    "12345678901234567890",
    "0.10",
  ]) {
    const number = readJson(source);
    assert.ok(number instanceof JsonNumber && number.source === source, source);
    assert.equal(Number(number), Number(source));
    const { value } = JSON.parse(JSON.stringify({ value: number }));
    assert.ok(value === Number(source)); // 0 for -0, without JSON.rawJSON
  }
});

test("keys that JavaScript would reorder", () => {
  const value = readJson('{"b": 1, "10": 2, "9": 3, "\\u0038": 4}');
  assert.ok(value instanceof JsonObject);
  assert.deepEqual([...value.keys()], ["b", "10", "9", "8"]);
  assert.deepEqual(JSON.parse(JSON.stringify(value)), { b: 1, 10: 2, 9: 3, 8: 4 });
  const hidden = readJson('{"__proto__": {"a": 1}}');
  assert.ok(hidden instanceof JsonObject && hidden.has("__proto__"));
});

test("strings of every kind", () => {
  const text = String.raw`{"1": "a\\", "b": "\"", "c": "\u00e9\ud83d\ude00", "d": 1.0}`;
  const value = readJson(text) as JsonObject;
  assert.deepEqual([...value.values()].slice(0, 3), ["a\\", '"', "é😀"]);
});

test("what is no JSON", () => {
  for (const text of [
    ...["", "{", "[1.0", "[1.0,]", '{"1":}', '{"1" 2}', "{1.0: 2}", "01.0", "1.", "-"],
    ...['"1.0', "[1.0] x", "NaN", "[1.0 2]", '{"1": 2,}', "tru1.0", '"\\x1.0"'],
  ]) {
    assert.throws(() => readJson(text), ValueError, text);
  }
  assert.throws(() => readJson("[".repeat(1e6) + "1.0"), ValueError);
});
