/** The package as it is published, loaded and bundled. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import { loadHarmonyEncoding, VocabularyError } from "harmony-format";
import { encoding, file, ROOT } from "./support.js";

const JS = new URL("js/", ROOT);
const wasm = readFileSync(new URL("dist/harmony.wasm", JS));
const { FUNCTIONS } = (await import(new URL("dist/wasm.js", JS).href)) as {
  FUNCTIONS: readonly string[];
};
const vocabulary = readFileSync(new URL("dist/o200k_base.vocabulary", JS));

test("the module imports nothing and exports what is called", () => {
  const module = new WebAssembly.Module(wasm);
  assert.deepEqual(WebAssembly.Module.imports(module), []);
  const exported = WebAssembly.Module.exports(module).map(({ name }) => name);
  const extra = exported.filter((name) => !FUNCTIONS.includes(name));
  assert.deepEqual(extra.sort(), ["_initialize", "memory"]);
  const built = file("js/build.py").split("EXPORTS = [")[1]!.split("]\n")[0]!;
  const named = [...built.matchAll(/"(\w+)"/g)].map(([, name]) => name);
  assert.deepEqual(named, [...FUNCTIONS]);
  const source = file("js/src/wasm.ts");
  const uncalled = FUNCTIONS.filter(
    (name) => !source.includes(`c.${name}(`) && !source.includes(`{ ${name}: `),
  );
  assert.deepEqual(uncalled, []);
});

test("numbers are those of harmony.h", () => {
  const header = file("csrc/harmony.h");
  const source = file("js/src/wasm.ts");
  for (const [name, number] of Object.entries({
    START: 200006,
    RETURN: 200002,
    END: 200007,
    CALL: 200012,
    STARTOFTEXT: 199998,
    LIMIT: 201089,
  })) {
    assert.match(header, new RegExp(`HARMONY_TOKEN_${name} = ${number}\\b`));
  }
  const kinds = [...header.matchAll(/HARMONY_WARNING_(\w+)[ =,/]/g)].map(([, kind]) =>
    kind!.toLowerCase(),
  );
  const listed = source.split("const WARNINGS = [")[1]!.split("];")[0]!;
  assert.deepEqual(
    [...listed.matchAll(/"(\w+)"/g)].map(([, kind]) => kind),
    kinds,
  );
  assert.equal(encoding.version, /HARMONY_VERSION "(.*)"/.exec(header)![1]);
  for (const name of ["package.json", "package-lock.json"]) {
    assert.equal(JSON.parse(file(`js/${name}`)).version, encoding.version);
  }
});

test("loading: once by default, from bytes, a module, an answer", async () => {
  assert.equal(await loadHarmonyEncoding(), await loadHarmonyEncoding());
  for (const options of [
    { wasm, vocabulary },
    {
      wasm: new WebAssembly.Module(wasm),
      vocabulary: vocabulary.buffer.slice(
        vocabulary.byteOffset,
        vocabulary.byteOffset + vocabulary.length,
      ),
    },
    { wasm: Promise.resolve(wasm), vocabulary: new Response(vocabulary) },
    { wasm: new URL("dist/harmony.wasm", JS).href },
  ]) {
    const other = await loadHarmonyEncoding(options);
    assert.deepEqual(other.encode("hello world"), [24912, 2375]);
  }
});

test("a worker loads its own", async () => {
  const program = `
    const { parentPort } = require("node:worker_threads");
    import(${JSON.stringify(new URL("dist/index.js", JS).href)})
      .then(({ loadHarmonyEncoding }) => loadHarmonyEncoding())
      .then((encoding) => parentPort.postMessage(encoding.encode("hello world")));
  `;
  const worker = new Worker(program, { eval: true });
  const [said] = (await once(worker, "message")) as [number[]];
  assert.deepEqual(said, [24912, 2375]);
  await worker.terminate();
});

test("what can't be loaded is a VocabularyError", async () => {
  const refused = (options: object) =>
    assert.rejects(loadHarmonyEncoding(options), VocabularyError);
  await refused({ vocabulary: new Uint8Array(100) });
  await refused({ vocabulary: vocabulary.subarray(0, 500_000) });
  await refused({ vocabulary: new URL("dist/nothing", JS) });
  await refused({ vocabulary: new Response(null, { status: 404 }) });
  const empty = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
  await refused({ wasm: Uint8Array.from(empty) });
  const importing = [1, 4, 1, 0x60, 0, 0, 2, 7, 1, 1, 0x61, 1, 0x62, 0, 0];
  await refused({ wasm: Uint8Array.from([...empty, ...importing]) });
  await refused({ wasm: Uint8Array.of(1, 2, 3) });
  await refused({ wasm: "http://localhost:1/harmony.wasm" });
});

const PROGRAM = `
  import { loadHarmonyEncoding } from "harmony-format";
  import { prompt } from "harmony-format/chat";
  const encoding = await loadHarmonyEncoding(globalThis.given);
  const request = { messages: [{ role: "user", content: "hi" }] };
  globalThis.said = [encoding.encode("hello world"), prompt(request).tokens(encoding).at(-1)];
`;

async function runs(folder: string, path: string, given?: object): Promise<void> {
  Object.assign(globalThis, { given, said: null });
  await import(pathToFileURL(join(folder, path)).href);
  const { said } = globalThis as { said?: unknown };
  assert.deepEqual(said, [[24912, 2375], 173781]);
}

test("bundled by esbuild, with the files as bytes", async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "harmony-"));
  context.after(() => rmSync(folder, { recursive: true }));
  const { build } = await import("esbuild");
  await build({
    stdin: { contents: PROGRAM, resolveDir: fileURLToPath(JS) },
    bundle: true,
    format: "esm",
    platform: "browser",
    outfile: join(folder, "out.mjs"),
    logLevel: "error",
  });
  await runs(folder, "out.mjs", { wasm, vocabulary });
});

test("bundled by vite, which finds the files", async (context) => {
  const folder = mkdtempSync(join(fileURLToPath(JS), "build", "vite-"));
  context.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "main.js"), PROGRAM);
  const { build } = await import("vite");
  await build({
    root: folder,
    logLevel: "error",
    build: {
      target: "esnext",
      lib: { entry: "main.js", formats: ["es"], fileName: "out" },
      assetsInlineLimit: 4_000_000,
    },
  });
  const out = readdirSync(join(folder, "dist")).find((name) =>
    /^out\.m?js$/.test(name),
  );
  await runs(folder, join("dist", out!));
});

test("what is packed is small, and all of it", () => {
  const packed = execFileSync("npm", ["pack", "--dry-run", "--json"], {
    cwd: JS,
    encoding: "utf8",
    shell: process.platform === "win32",
  });
  const parsed = JSON.parse(packed);
  const [{ size, files }] = Array.isArray(parsed) ? parsed : Object.values(parsed);
  assert.ok(size < 1_100_000, `${size} bytes`);
  const names = files.map(({ path }: { path: string }) => path);
  for (const name of ["LICENSE", "README.md", "dist/index.d.ts", "dist/harmony.wasm"]) {
    assert.ok(names.includes(name), name);
  }
  assert.ok(!names.some((name: string) => name.startsWith("test")));
  assert.ok(statSync(new URL("dist/o200k_base.vocabulary", JS)).size < 1_300_000);
});
