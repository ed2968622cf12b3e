/** The documents are tests: what they show is executed, and prints what they say. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { file, harmony, ROOT } from "./support.js";

/** What README's examples take for granted: an engine, and somewhere to send to. */
const PRELUDE = `
  globalThis.engine = () => ${JSON.stringify(harmony("<|channel|>final<|message|>4.<|return|>"))};
  globalThis.send = ({ choices: [{ delta }] }) => console.log(JSON.stringify(delta));
`;
const README_SAYS = [
  "4.",
  '{"role":"assistant","content":""}\n{"content":"4"}\n{"content":"."}\n{}',
];

/** The blocks of a document, each with what it prints. */
function run(name: string, folder: string): [string, string][] {
  writeFileSync(join(folder, "prelude.mjs"), PRELUDE);
  const blocks = [...file(name).matchAll(/^```js\n(.*?)^```$/gms)].map(
    ([, block]) => block!,
  );
  return blocks.map((block) => {
    writeFileSync(join(folder, "block.mjs"), block);
    const command = ["--import", "./prelude.mjs", "block.mjs"];
    const said = execFileSync(process.execPath, command, {
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
    for (const [index, [block, said]] of blocks.entries()) {
      const expected = least === 2 ? README_SAYS[index] : promised(block);
      assert.equal(said, expected, block);
    }
  });
}
