/** Where the module and the vocabulary come from. */
import { HarmonyEncoding } from "./encoding.js";
import { VocabularyError } from "./errors.js";
import { Machine } from "./wasm.js";

/** Bytes, or what gives them; a module that is compiled already. */
export type Source = BufferSource | Response | URL | string;

/** Where to load from; what is not given comes from beside this file. */
export interface LoadOptions {
  /** harmony.wasm, or the module compiled. */
  wasm?: Source | WebAssembly.Module | Promise<Source | WebAssembly.Module>;
  /** o200k_base.vocabulary, or o200k_base.tiktoken. */
  vocabulary?: Source | Promise<Source>;
}

let usual: Promise<HarmonyEncoding> | null = null;

/**
 * Load the encoding of gpt-oss models. Without options it is loaded once, from
 * the files of the package: those beside this file, as `import.meta.url` says.
 *
 *     const encoding = await loadHarmonyEncoding();
 *     encoding.encode("hello world");   // [24912, 2375]
 *
 * Throws a `VocabularyError` for files that can't be had or are not the right
 * ones.
 */
export function loadHarmonyEncoding(options?: LoadOptions): Promise<HarmonyEncoding> {
  if (options !== undefined) return load(options);
  usual ??= load({}).catch((error: unknown) => {
    usual = null;
    throw error;
  });
  return usual;
}

async function load(options: LoadOptions): Promise<HarmonyEncoding> {
  // These two stand as they are for bundlers, which look for this form.
  const [wasm, vocabulary] = await Promise.all([
    options.wasm ?? new URL("./harmony.wasm", import.meta.url),
    options.vocabulary ?? new URL("./o200k_base.vocabulary", import.meta.url),
  ]);
  const [module, file] = await Promise.all([compiled(wasm), bytesOf(vocabulary)]);
  return new HarmonyEncoding(new Machine(module, file));
}

async function compiled(
  source: Source | WebAssembly.Module,
): Promise<WebAssembly.Module> {
  if (source instanceof WebAssembly.Module) return source;
  const bytes = await bytesOf(source);
  return WebAssembly.compile(bytes).catch(refusal("this is not harmony.wasm"));
}

/** Makes any error one about what could not be loaded. */
function refusal(what: string): (error: Error) => never {
  return ({ message }) => {
    throw new VocabularyError(`${what}: ${message}`);
  };
}

async function bytesOf(source: Source): Promise<Uint8Array<ArrayBuffer>> {
  if (source instanceof URL || typeof source === "string") return read(source);
  if (source instanceof Response) return body(source);
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  const { buffer, byteOffset, byteLength } = source as ArrayBufferView<ArrayBuffer>;
  return new Uint8Array(buffer, byteOffset, byteLength);
}

interface NodeProcess {
  getBuiltinModule?: (name: "node:fs/promises") => {
    readFile(path: URL): Promise<Uint8Array<ArrayBuffer>>;
  };
}

/** Read a file or fetch an address. Node, Deno and Bun read files by themselves. */
async function read(where: URL | string): Promise<Uint8Array<ArrayBuffer>> {
  const url = where instanceof URL ? where : new URL(where, import.meta.url);
  if (url.protocol === "file:") {
    const { process } = globalThis as { process?: NodeProcess };
    const files = process?.getBuiltinModule?.("node:fs/promises");
    if (files) return files.readFile(url).catch(refusal(url.href));
  }
  return body(await fetch(url).catch(refusal(url.href)));
}

async function body(response: Response): Promise<Uint8Array<ArrayBuffer>> {
  if (!response.ok) {
    throw new VocabularyError(`${response.url}: ${response.status}`);
  }
  return new Uint8Array(await response.arrayBuffer());
}
