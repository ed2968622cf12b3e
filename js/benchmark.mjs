/**
 * How fast it is beside other tokenizers of npm, with equal tokens checked.
 *
 *     node js/benchmark.mjs texts.json FOLDER
 *
 * texts.json: an object from the name of a corpus to a list of texts, such as those of
 * tests/benchmarks/corpora.py. FOLDER: where gpt-tokenizer, tiktoken and js-tiktoken
 * are installed, as far as they are. Each round runs all of them, one after the other;
 * the best of a few rounds counts, by processor time.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { loadHarmonyEncoding, StreamableParser } from "harmony-format";

const [file, folder = "."] = process.argv.slice(2);
const corpora = JSON.parse(readFileSync(file, "utf8"));
const need = createRequire(join(resolve(folder), "x.js"));
const ROUNDS = 5;

const began = process.cpuUsage();
const start = performance.now();
const encoding = await loadHarmonyEncoding();
encoding.encode("a");
const ready = performance.now() - start;
console.log(
  `ready in ${ready.toFixed(0)} ms, ${seconds(process.cpuUsage(began)) * 1e3} of them busy`,
);

function seconds({ user, system }) {
  return (user + system) / 1e6;
}

/** The least processor time of some calls, by name; they take turns. */
function timed(calls, rounds = ROUNDS) {
  const least = Object.fromEntries(Object.keys(calls).map((name) => [name, Infinity]));
  for (let round = 0; round < rounds; round++) {
    for (const [name, call] of Object.entries(calls)) {
      const before = process.cpuUsage();
      call();
      least[name] = Math.min(least[name], seconds(process.cpuUsage(before)));
    }
  }
  return least;
}

const PEERS = {
  "gpt-tokenizer": () => need("gpt-tokenizer/encoding/o200k_base").encode,
  "tiktoken (wasm)": () => {
    const peer = need("tiktoken").get_encoding("o200k_base");
    return (text) => peer.encode_ordinary(text);
  },
  "js-tiktoken": () => {
    const { Tiktoken } = need("js-tiktoken/lite");
    const peer = new Tiktoken(need("js-tiktoken/ranks/o200k_base"));
    return (text) => peer.encode(text, [], []);
  },
};

const ORDINARY = { disallowedSpecial: [] };
const ways = {
  "harmony, list": (text) => encoding.encode(text, ORDINARY),
  "harmony, array": (text) => encoding.encodeToArray(text, ORDINARY),
  "harmony, count": (text) => ({ length: encoding.count(text, ORDINARY) }),
};
for (const [name, make] of Object.entries(PEERS)) {
  try {
    ways[name] = make();
  } catch (error) {
    console.log(`${name}: left out, ${error.code ?? error.message}`);
  }
}

for (const [corpus, texts] of Object.entries(corpora)) {
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  const calls = {};
  for (const [name, encode] of Object.entries(ways)) {
    const equal = texts.filter((text) =>
      isSame(encode(text), encoding.encode(text, ORDINARY)),
    );
    console.log(
      `${corpus}: ${name} has the same tokens in ${equal.length} of ${texts.length}`,
    );
    calls[name] = () => texts.forEach((text) => encode(text));
  }
  for (const [name, time] of Object.entries(timed(calls))) {
    console.log(`${corpus}: ${name} ${(bytes / 1e6 / time).toFixed(1)} MB/s`);
  }
}

function isSame(tokens, expected) {
  if (tokens[0] === undefined) return tokens.length === expected.length;
  return (
    tokens.length === expected.length &&
    expected.every((token, at) => token === tokens[at])
  );
}

const words = Object.values(corpora)[0].flatMap((text) =>
  encoding.encode(text, ORDINARY),
);
const header = encoding.encode("<|channel|>final<|message|>", {
  allowedSpecial: "all",
});

/** Parse one content; give each token to the parser as the call does. */
function parsing(take) {
  return () => {
    const parser = new StreamableParser(encoding, "assistant", {
      onError: "recover",
    });
    parser.feed(header);
    take(parser);
    parser.free();
  };
}

const parsed = timed({
  "process and read the delta": parsing((parser) => {
    for (const token of words) parser.process(token).lastContentDelta;
  }),
  "feed one by one": parsing((parser) =>
    words.forEach((token) => parser.feed([token])),
  ),
  "feed all": parsing((parser) => parser.feed(words)),
});
for (const [name, time] of Object.entries(parsed)) {
  console.log(`parse: ${name}: ${((time / words.length) * 1e9).toFixed(0)} ns a token`);
}
