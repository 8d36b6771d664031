// Helper programs as they would run in the package: one file beside the threads' own, instead of a hundred modules to load.
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { rolldown } from "rolldown"
import { temporaryDirectory } from "../../context.ts"

const source = (path: string) => fileURLToPath(new URL(`../../../src/${path}`, import.meta.url))

/** Bundles a program with the store's threads; resolves with its path. */
export async function bundleProgram(program: URL): Promise<string> {
  const directory = join(temporaryDirectory(), "dist")
  const bundle = await rolldown({
    input: {
      program: fileURLToPath(program),
      committer: source("store/committer.ts"),
      deriver: source("audit/derive/deriver.ts"),
    },
    platform: "node",
    external: /^node:/,
    logLevel: "silent",
  })
  await bundle.write({
    dir: directory,
    format: "esm",
    entryFileNames: "[name].js",
    chunkFileNames: "chunks/[name]-[hash].js",
  })
  await bundle.close()
  writeFileSync(join(directory, "package.json"), '{"type":"module"}')
  return join(directory, "program.js")
}
