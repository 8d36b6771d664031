// Limits of a box: what a policy says of each, what counts where it says nothing, and what is no limit.
import { expect, it, test } from "vitest"
import type { Sandbox } from "../../src/policy/compiled.ts"
import { loadLayers, loadPolicy } from "../../src/policy/load.ts"
import { buildSpec } from "../../src/sandbox/spec.ts"

const limitsOf = (sandbox: Sandbox) =>
  buildSpec({
    opened: { run: "run-0123456789ab", directory: "/run/box", env: {} },
    workspace: { mounts: [], cwd: "/workspace", user: { uid: 1000, gid: 1000 } },
    ...{ agent: "a", command: ["true"], sandbox, env: {}, tty: false, relay: [] },
  }).limits

it("are there where nobody says anything, but for processors", () => {
  expect(limitsOf({})).toEqual({ memory: 4 * 2 ** 30, pids: 512, files: 16_384, fileSize: 16 * 2 ** 30 })
})

it("are those of the policy", () => {
  const text = "version: 1\nsandbox: { memory: 512m, cpus: 1.5, pids: 64, file-size: 100m }"
  expect(limitsOf(loadPolicy(text, "p.yaml").sandbox)).toEqual({
    ...{ memory: 512 * 2 ** 20, cpus: 1.5, pids: 64, files: 16_384, fileSize: 100 * 2 ** 20 },
  })
})

test.each(["memory", "file-size"] as const)("%s of a layer above stands, whatever one below says", (key) => {
  const sandboxOf = (above: string, below: string) => {
    const layer = (file: string, value: string) => ({ file, text: `version: 1\n${value && `sandbox: { ${value} }`}` })
    return loadLayers([layer("org:nanoguard.yaml", above), layer("nanoguard.yaml", below)]).sandbox[key]
  }
  expect(sandboxOf(`${key}: 1g`, `${key}: 8g`)).toBe("1g")
  expect(sandboxOf(`${key}: 1g`, "")).toBe("1g")
  expect(sandboxOf("", `${key}: 512m`)).toBe("512m")
})

test.each(["0g", "16", "16t", "1.5g", "-1g", "none", "1000000g"])("file-size: %s is none", (value) => {
  expect(() => loadPolicy(`version: 1\nsandbox: { file-size: ${value} }`, "p.yaml")).toThrow()
})
