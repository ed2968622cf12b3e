/** Memory is given back. */
import assert from "node:assert/strict";
import test from "node:test";
import { setTimeout } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { HarmonyError, loadHarmonyEncoding, StreamableParser } from "harmony-format";
import { harmony } from "./support.js";

const wasm = new URL("../../dist/harmony.wasm", import.meta.url);

test("a parser that was freed says so, and can be freed again", async () => {
  const encoding = await loadHarmonyEncoding();
  const parser = new StreamableParser(encoding, "assistant");
  parser.free();
  parser.free();
  assert.throws(() => parser.process(1), HarmonyError);
  assert.throws(() => parser.feed([1]), HarmonyError);
  assert.throws(() => parser.tokens, HarmonyError);
});

test("freed parsers leave no memory behind", async () => {
  const encoding = await loadHarmonyEncoding({ wasm });
  const tokens = harmony("<|channel|>final<|message|>" + "word ".repeat(2000));
  const size = () => encoding.machine.c.memory.buffer.byteLength;
  const run = () => {
    for (let count = 0; count < 200; count++) {
      using parser = new StreamableParser(encoding, "assistant");
      parser.feed(tokens);
    }
  };
  run();
  const before = size();
  run();
  run();
  assert.equal(size(), before);
});

test("parsers that nobody freed are collected", async () => {
  const encoding = await loadHarmonyEncoding({ wasm });
  const tokens = harmony("<|channel|>final<|message|>" + "word ".repeat(2000));
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const run = async () => {
    for (let count = 0; count < 200; count++) {
      new StreamableParser(encoding, "assistant").feed(tokens);
    }
    collect();
    await setTimeout(100); // what finalization does, it does later
    return encoding.machine.c.memory.buffer.byteLength;
  };
  const first = await run();
  let last = first;
  for (let round = 0; round < 4; round++) last = await run();
  assert.ok(last < 1.5 * first, `${first} ${last}`);
});

test("more than all memory is refused; its size was taken modulo 2 ** 32", async () => {
  const { machine } = await loadHarmonyEncoding();
  assert.throws(() => machine.allocate(2 ** 32 + 8), RangeError);
});

test("long texts leave no memory behind", async () => {
  const encoding = await loadHarmonyEncoding({ wasm });
  const text = "some words ".repeat(200_000);
  const size = () => encoding.machine.c.memory.buffer.byteLength;
  encoding.encodeToArray(text);
  const before = size();
  for (let count = 0; count < 5; count++) {
    encoding.decode(encoding.encodeToArray(text));
    encoding.count(text);
  }
  assert.ok(size() <= before + 2 ** 22);
});
