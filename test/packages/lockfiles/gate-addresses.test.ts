// Which addresses in lockfiles are a gate's own, and what is said of them.
import { expect, it } from "vitest"
import { commandWithoutGate, gateWarning, isGateSource } from "../../../src/packages/lockfiles/gate-addresses.ts"
import { parseLockfileText } from "../../../src/packages/lockfiles/index.ts"

it.each([
  ["http://127.0.0.1:8471/npm", true],
  ["http://127.0.0.1:8471/pypi/simple", true],
  ["http://[::1]:8471/npm/", true],
  ["https://localhost/npm", true],
  ["http://127.0.0.1:4873", false],
  ["http://127.0.0.1:8471/npm/other", false],
  ["http://127.0.0.1.registry.example/npm", false],
  ["http://localhost.registry.example/npm", false],
  ["https://registry.example/npm", false],
  ["default", false],
])("%s: %s", (origin, is) => expect(isGateSource({ kind: "registry", origin })).toBe(is))

it("is nothing but a registry's", () => {
  expect(isGateSource({ kind: "url", url: "http://127.0.0.1:8471/npm" })).toBe(false)
})

const GATE = "http://127.0.0.1:8471"
const bytes = Buffer.alloc(64, 7).toString("base64")

it.each([
  [
    "yarn.lock",
    `# yarn lockfile v1\n\n\na@^1.0.0:\n  version "1.0.0"\n  resolved "${GATE}/npm/a/-/a-1.0.0.tgz#${"a".repeat(40)}"\n  integrity sha512-${bytes}\n`,
    `1 package with the address of a gate (${GATE}/npm/), which is good behind it alone; put your registry's address into its place`,
  ],
  [
    "uv.lock",
    `version = 1\nrequires-python = ">=3.11"\n\n[[package]]\nname = "a"\nversion = "1.0.0"\nsource = { registry = "${GATE}/pypi/simple" }\nwheels = [\n    { url = "${GATE}/pypi/files/a/a-1.0.0-py3-none-any.whl", hash = "sha256:${"a".repeat(64)}" },\n]\n`,
    `1 package with the address of a gate (${GATE}/pypi/simple), which is good behind it alone; outside of the gate, run: uv lock`,
  ],
  [
    "poetry.lock",
    `[[package]]\nname = "a"\nversion = "1.0.0"\ngroups = ["main"]\nfiles = [\n    {file = "a-1.0.0-py3-none-any.whl", hash = "sha256:${"a".repeat(64)}"},\n]\n\n[package.source]\ntype = "legacy"\nurl = "${GATE}/pypi/simple"\nreference = "nanoguard"\n\n[metadata]\nlock-version = "2.1"\n`,
    `1 package with the address of a gate (${GATE}/pypi/simple), which is good behind it alone; put your registry's address into its place`,
  ],
])("%s that was written behind a gate", async (file, text, warning) => {
  const lockfile = await parseLockfileText(text, file, () => undefined)
  expect(gateWarning(lockfile)).toBe(warning)
  expect(gateWarning({ ...lockfile, dependencies: [] })).toBeUndefined()
})

it("names a command where the manager has one", () => {
  const command = (format: Parameters<typeof commandWithoutGate>[0]["format"]) =>
    commandWithoutGate({ format, formatVersion: "1" })
  expect(command("npm-shrinkwrap.json")).toContain("--omit-lockfile-registry-resolved")
  expect(command("uv.lock")).toBe("uv lock")
  expect([command("bun.lock"), command("poetry.lock"), command("cyclonedx")]).toEqual([undefined, undefined, undefined])
})
