import { pathToFileURL } from "node:url"
import { describe, expect, it, vi } from "vitest"
import { workerUrl } from "../../src/store/workerUrl.ts"

// Elsewhere in tests it leads to a bundle (test/workers.ts).
vi.unmock("../../src/store/workerUrl.ts")

describe("workerUrl", () => {
  it("names the source file in development", () => {
    const here = pathToFileURL("/repo/src/store/workerUrl.ts").href
    expect(workerUrl("committer", here).pathname).toBe("/repo/src/store/committer.ts")
    expect(workerUrl("deriver", here).pathname).toBe("/repo/src/audit/derive/deriver.ts")
  })

  it.each([
    ["an entry", "/app/node_modules/nanoguard/dist/cli.js"],
    ["a chunk", "/app/node_modules/nanoguard/dist/chunks/store-1a2b.js"],
    ["a chunk below another dist", "/dist/app/node_modules/nanoguard/dist/chunks/store-1a2b.js"],
  ])("names the bundle's entry, from %s", (_, here) => {
    const root = here.startsWith("/dist") ? "/dist" : ""
    expect(workerUrl("committer", pathToFileURL(here).href).pathname).toBe(
      `${root}/app/node_modules/nanoguard/dist/committer.js`,
    )
  })
})
