import { mkdirSync, rmSync, writeFileSync } from "node:fs"
import { dirname } from "node:path"
import { expect, it } from "vitest"
import { openLaw } from "../../src/gateway/law.ts"
import type { Upstream } from "../../src/gateway/upstream/types.ts"
import { importedIndexPath } from "../../src/packages/advisories/index.ts"
import { loadPolicyTexts } from "../../src/policy/load.ts"
import { temporaryDirectory, testContext } from "../context.ts"

const pinned = (host: string) =>
  `version: 1\npackages:\n  registries: [{ scope: "@acme/*", upstream: "https://${host}.example/npm" }]\n`

it("trusts the upstreams of a new policy once that is in force, and not before", async () => {
  const ctx = testContext(temporaryDirectory())
  let trusted: ReadonlySet<string> = new Set()
  const upstream: Pick<Upstream, "http" | "trust"> = {
    http: { get: async () => ({ ok: false, reason: "offline", detail: "" }), close: async () => {} },
    trust: (origins) => {
      trusted = new Set(origins)
    },
  }
  let text = pinned("first")
  const load = async () => ({ policy: await loadPolicyTexts([{ file: "nanoguard.yaml", text }]), project: "test" })
  const types: string[] = []
  const note = async ({ type }: { type: string }) => types.push(type)
  const law = await openLaw(ctx, load, upstream, { note })
  expect(trusted).toContain("https://first.example")

  text = pinned("second")
  const damaged = importedIndexPath(ctx)
  mkdirSync(dirname(damaged), { recursive: true })
  writeFileSync(damaged, "no index")
  await expect(law.reload()).rejects.toThrow()
  expect(trusted).toContain("https://first.example")
  expect(trusted).not.toContain("https://second.example")

  rmSync(damaged)
  expect((await law.reload()).changed).toBe(true)
  expect(trusted).toContain("https://second.example")
  expect(types).toEqual(["policy.kept", "policy.reloaded"])
  await law.close()
})
