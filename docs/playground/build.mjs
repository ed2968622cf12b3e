/**
 * Write dist/try.html: the page with all it needs inside, for `npm run playground`
 * in js/, after `npm run build`. It has the style and the script of `harmony show`.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const HERE = new URL("./", import.meta.url);
const JS = new URL("../../js/", HERE);
const SHOW = new URL("../../harmony/cli/show/", HERE);
const { buildSync } = createRequire(new URL("package.json", JS))("esbuild");

const text = (name, base = HERE) => readFileSync(new URL(name, base), "utf8");
const path = (name, base) => fileURLToPath(new URL(name, base));
const packed = (name) =>
  gzipSync(readFileSync(new URL(`dist/${name}`, JS)), { level: 9 });
const hash = (said) =>
  `'sha256-${createHash("sha256").update(said).digest("base64")}'`;

/** The program; the files that it would load are in the page. */
function script() {
  const { outputFiles } = buildSync({
    entryPoints: [path("playground.ts", HERE)],
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    target: "es2022",
    charset: "utf8",
    define: { "import.meta.url": '"about:blank"' },
    alias: {
      "harmony-format": path("dist/index.js", JS),
      "harmony-format/chat": path("dist/chat.js", JS),
      "harmony-format/responses": path("dist/responses.js", JS),
    },
  });
  return outputFiles[0].text.replaceAll("</script", "<\\/script");
}

const style = text("page.css", SHOW) + text("playground.css");
const shared = text("page.js", SHOW);
const program = script();
const parts = {
  POLICY: [
    "default-src 'none'",
    `style-src ${hash(style)}`,
    `script-src ${hash(shared)} ${hash(program)} 'wasm-unsafe-eval'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; "),
  STYLE: style,
  WASM: packed("harmony.wasm").toString("base64"),
  VOCABULARY: packed("o200k_base.vocabulary").toString("base64"),
  PAGE_SCRIPT: shared,
};
let page = text("page.html");
for (const [name, part] of Object.entries(parts))
  page = page.replace(name, () => part);
page = page.replace(">SCRIPT<", () => `>${program}<`);
mkdirSync(new URL("dist/", HERE), { recursive: true });
writeFileSync(new URL("dist/try.html", HERE), page);
