/** The documents are tests: what they show is executed, and prints what they say. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { file, ROOT } from "./support.js";

/** The blocks of a document, each with what it prints. */
function run(name: string, folder: string): [string, string][] {
  const blocks = [...file(name).matchAll(/^```js\n(.*?)^```$/gms)].map(
    ([, block]) => block!,
  );
  return blocks.map((block) => {
    writeFileSync(join(folder, "block.mjs"), block);
    const said = execFileSync(process.execPath, ["block.mjs"], {
      cwd: folder,
      encoding: "utf8",
    });
    return [block, said.trim()];
  });
}

/** What a block says that it prints, in comments. */
function promised(block: string): string {
  const found = block.matchAll(/(?:console\.log\(.*; |^)\/\/ (.*)$/gm);
  return [...found].map(([, line]) => line).join("\n");
}

for (const [name, least] of [
  ["docs/javascript.md", 8],
  ["js/README.md", 2],
] as const) {
  test(`the examples of ${name}`, (context) => {
    const folder = mkdtempSync(
      join(fileURLToPath(new URL("js/build/", ROOT)), "docs-"),
    );
    context.after(() => rmSync(folder, { recursive: true }));
    const blocks = run(name, folder);
    assert.ok(blocks.length >= least);
    for (const [block, said] of blocks) assert.equal(said, promised(block), block);
  });
}
