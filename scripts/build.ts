// Bundles the sources and every library they use into dist/: one package to install, nothing to resolve at start-up.
// Measured on Node 24, zod and yaml and commander bundled: 2.1 x the time of `node -e 0`; from node_modules: 3.6 x.
import { existsSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { relative } from "node:path"
import { type Plugin, rolldown } from "rolldown"
import { askLibrary } from "../src/packages/registries/defaults.ts"
import { buildSnapshot } from "./advisories.ts"
import { readWith } from "./chunks.ts"
import { buildPopular } from "./popular.ts"

// Built beside and moved into place, so that a command that runs meanwhile never sees half a build.
const fresh = `dist.${process.pid}`
rmSync(fresh, { recursive: true, force: true })
// Of one that fails nothing stays; of one that comes about nothing has this name by then.
process.once("exit", () => rmSync(fresh, { recursive: true, force: true }))
/** commander wants node:child_process for subcommands that are programs of their own; nanoguard has none. */
const isUnused = (source: string, importer: string | undefined) =>
  source === "node:child_process" && importer?.includes("/node_modules/commander/") === true

const IMPORT = /^import (?:([\w$]+|\* as [\w$]+)(?:, )?)?(?:\{ ([^}]*) \})? from "(node:[\w/]+)";$/gm

/** Those that cost milliseconds, and of which most commands call nothing: evaluated at the first call of a function of theirs. */
const LATE = new Set(["node:child_process", "node:crypto", "node:fs/promises", "node:http"])
/** Classes and objects are not called: what has one is asked for at once. */
const isFunction = (name: string) => /^[a-z]/.test(name) && name !== "constants" && name !== "webcrypto"

function importNames(names: string, module: string): string {
  const object = `globalThis.process.getBuiltinModule("${module}")`
  const pairs = names.split(", ").map((name) => name.split(" as "))
  if (!LATE.has(module) || !pairs.every(([name = ""]) => isFunction(name)))
    return `const { ${names.replaceAll(" as ", ": ")} } = ${object};`
  return pairs.map(([name, own = name]) => `const ${own} = (...args) => ${object}.${name}(...args);`).join(" ")
}

/**
 * An import of a built-in module evaluates every lazy part of it: all of webcrypto for one hash, the standard streams for
 * `process`. Asked for as an object, a built-in costs what is used of it. Measured on Node 24: 12 ms of 36 ms for --version.
 */
const cheapBuiltins: Plugin = {
  name: "cheap-builtins",
  resolveId: (source, importer) => (isUnused(source, importer) ? "\0unused" : null),
  load: (id) => (id === "\0unused" ? "export default {}" : null),
  renderChunk: (code) =>
    code.replace(IMPORT, (_, whole: string | undefined, names: string | undefined, module: string) => {
      const object = `globalThis.process.getBuiltinModule("${module}")`
      const lines = []
      if (whole) lines.push(`const ${whole.replace("* as ", "")} = ${object};`)
      if (names) lines.push(importNames(names, module))
      return lines.join(" ")
    }),
}

/** What `vet --offline` loads on every run; what these import goes with them. */
const OFFLINE =
  /\/src\/(program|commands\/vet|policy\/(load|decide)|packages\/(lookalike|lockfiles\/npm)|vet\/corrections|render\/text|scaffold\/templates)\.ts$/

/** What a vet and a box both load, so that neither loads what only the other needs. */
const SHARED =
  /\/src\/(foreign-json|home|packages\/lockfiles\/formats|policy\/(duration|glob|sandbox-names|text)|render\/(clean|layout|style)|vet\/git)\.ts$/
/** What `run` loads on every run, where a gate runs already: half of offline's size and a fifth of its time. */
const BOX = /\/src\/(commands\/run(-review)?|sandbox\/run)\.ts$/

const bases = await Promise.all(
  (["npm", "pypi", "cargo", "golang"] as const).map(async (ecosystem) => [ecosystem, await askLibrary(ecosystem)]),
)
const bundle = await rolldown({
  // Beside the program, what runs in threads of its own; src/store/workerUrl.ts finds them.
  input: {
    cli: "src/cli.ts",
    committer: "src/store/committer.ts",
    deriver: "src/audit/derive/deriver.ts",
    hasher: "src/audit/verify/hasher.ts",
  },
  platform: "node",
  // Its `main` is UMD, whose `require` a bundler cannot see through.
  resolve: { alias: { "jsonc-parser": "jsonc-parser/lib/esm/main.js" } },
  external: (id, importer) => id.startsWith("node:") && !isUnused(id, importer),
  plugins: [cheapBuiltins],
  transform: { define: { DEFAULT_BASES: JSON.stringify(Object.fromEntries(bases)) } },
})
const { output } = await bundle.write({
  dir: fresh,
  format: "esm",
  minify: { mangle: false, compress: true, codegen: true },
  entryFileNames: "[name].js",
  chunkFileNames: "chunks/[name]-[hash].js",
  // One file instead of 35: finding, reading and linking each takes Node 0.2 ms. What --version needs stays out.
  codeSplitting: {
    groups: [
      { name: "base", test: /\/src\/(context|errors|version)\.ts$/, priority: 4 },
      {
        name: "program",
        test: /\/src\/((program|examples)(-[a-z]+)?|commands\/completion)\.ts$|\/node_modules\/commander\//,
        priority: 3,
      },
      { name: "shared", test: SHARED, priority: 2 },
      { name: "offline", test: OFFLINE, priority: 1 },
      { name: "box", test: BOX, priority: 0 },
    ],
  },
})
await bundle.close()

// One import too many, and each start of a box reads all that a vet needs: 30 ms of processor time for a function of ten lines.
const chunks = output.filter((file) => file.type === "chunk")
const chunkOf = (name: string) => chunks.find((chunk) => chunk.name === name)
for (const [name, other] of [
  ["box", "offline"],
  ["offline", "box"],
] as const) {
  const chunk = chunkOf(name)
  const wrong = chunkOf(other)?.fileName
  if (chunk === undefined || wrong === undefined) throw new Error(`there is no chunk ${name} or ${other}`)
  if (readWith(chunk, chunks).has(wrong))
    throw new Error(`the chunk ${name} reads the chunk ${other}: what it takes from there belongs in SHARED`)
}

// What the bundle carries, for the notices and for whoever audits it.
const modules = output
  .flatMap((file) => (file.type === "chunk" ? Object.keys(file.modules) : []))
  .filter((id) => id.includes("node_modules"))
  .map((id) => relative(process.cwd(), id).replaceAll("\\", "/"))
  .sort()
writeFileSync(`${fresh}/modules.json`, `${JSON.stringify({ modules }, null, 1)}\n`)
await buildSnapshot(fresh)
buildPopular(fresh)
// Two renames, so that there is no dist/ for as short as can be.
const stale = `${fresh}.old`
if (existsSync("dist")) renameSync("dist", stale)
renameSync(fresh, "dist")
rmSync(stale, { recursive: true, force: true })
