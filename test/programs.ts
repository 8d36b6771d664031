// The threads of a store and the programs of its tests, bundled once for a run as the package bundles its own: from sources a
// thread loads a hundred modules whenever a store is opened, which takes half a second of a processor.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { rolldown } from "rolldown"
import type { TestProject } from "vitest/node"

declare module "vitest" {
  interface ProvidedContext {
    /** Address of the directory with the bundled programs, each `<name>.js`. */
    programs: string
  }
}

/** Bundles the sources as they are now; again before each run of a watcher. */
async function bundlePrograms(directory: string): Promise<void> {
  const bundle = await rolldown({
    input: {
      committer: "src/store/committer.ts",
      deriver: "src/audit/derive/deriver.ts",
      hasher: "src/audit/verify/hasher.ts",
      appender: "test/store/appender.ts",
      decider: "test/approvals/decider.ts",
    },
    platform: "node",
    external: /^node:/,
    logLevel: "silent",
  })
  const names = { entryFileNames: "[name].js", chunkFileNames: "chunks/[name]-[hash].js" }
  await bundle.write({ dir: directory, format: "esm", ...names })
  await bundle.close()
}

export default async function setup(project: TestProject) {
  const home = mkdtempSync(join(tmpdir(), "nanoguard-programs-"))
  writeFileSync(join(home, "package.json"), '{"type":"module"}')
  // In the package they are in such a directory, and look for each other there.
  const directory = join(home, "dist")
  await bundlePrograms(directory)
  project.onTestsRerun(() => bundlePrograms(directory))
  project.provide("programs", pathToFileURL(`${directory}/`).href)
  return () => rmSync(home, { recursive: true, force: true })
}
