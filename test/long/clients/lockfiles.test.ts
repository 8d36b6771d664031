// What lockfiles that were written behind the gate are worth without it: each works there, at once or after what docs/clients.md says.
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { BIN } from "../../e2e/nanoguard.ts"
import { CLIENTS } from "./clients.ts"
import type { ClientDescription } from "./description.ts"
import { type Laboratory, openLaboratory } from "./gate.ts"
import { forget, type Ran, write } from "./project.ts"

const PACKAGES = {
  plain: [{ version: "1.0.0" }, { version: "1.1.0" }],
  "uses-plain": [{ version: "1.0.0", dependencies: { plain: "^1.0.0" } }],
  foo: [{ version: "1.0.0" }],
}
const POLICY = "version: 1\npackages:\n  deny: { sources: [git, url, file, other-registry] }\n  unknown: allow\n"
const VET = `${JSON.stringify(process.execPath)} ${JSON.stringify(BIN)} vet --offline`

let lab: Laboratory
beforeAll(async () => {
  lab = await openLaboratory(PACKAGES, { foo: ["1.0.0"] })
})
afterAll(() => lab?.close())

/** What a person runs outside of the gate before such a lockfile is committed; the registry's address is the one in their own settings. */
const AFTERWARDS: Readonly<Record<string, (lock: string) => string>> = {
  "yarn 1": (lock) => `sed -i "s|${lab.gate.origin}/npm/|$(npm config get registry)|" ${lock}`,
  bun: (lock) => `sed -i "s|${lab.gate.origin}/npm/|$(npm config get registry)|" ${lock}`,
  uv: () => "uv lock",
}
const open = async (ctx: Parameters<ClientDescription["find"]>[0], client: ClientDescription) => {
  const wanted = { "uses-plain": "=1.0.0" }
  const project = lab.project(client, await client.find(ctx), client.files(wanted, lab.upstream.base))
  write(project.directory, { "nanoguard.yaml": POLICY })
  return { ...project, lock: () => readFileSync(join(project.directory, client.locks[0]!), "utf8") }
}
const succeed = (ran: Ran) => expect(ran.exit, ran.terminal).toBe(0)

describe.each(CLIENTS.filter(({ label }) => /^(?:npm|pnpm|yarn 4)/.test(label)))("$label", (client) => {
  it("writes no address of the gate: vet takes the lockfile, and it installs with the gate and without it", async (ctx) => {
    const project = await open(ctx, client)
    succeed(await project.exec(client.install))
    expect(project.lock()).not.toMatch(/https?:\/\/(?:127|localhost)/)
    succeed(await project.direct(VET))
    for (const run of [project.exec, project.direct]) {
      forget(client, project)
      succeed(await run(client.frozen))
      expect(client.installed(project.directory, "plain")).toBe("1.1.0")
    }
  })
})

describe.each(CLIENTS.filter(({ label }) => label in AFTERWARDS))("$label", (client) => {
  it("writes the gate's address, which vet names, and installs without the gate after what it says", async (ctx) => {
    const project = await open(ctx, client)
    succeed(await project.exec(client.install))
    expect(project.lock()).toContain(lab.gate.origin)
    const vetted = await project.direct(VET)
    expect(vetted.exit, vetted.terminal).toBe(1)
    expect(vetted.terminal.replace(/\s+/g, " ")).toContain(`with the address of a gate (${lab.gate.origin}`)
    expect(vetted.terminal).not.toMatch(/\b(?:remove|uninstall)\b/)
    succeed(await project.direct(AFTERWARDS[client.label]!(client.locks[0]!)))
    expect(project.lock()).not.toContain(lab.gate.origin)
    forget(client, project)
    succeed(await project.direct(client.frozen))
    expect(client.installed(project.directory, "plain")).toBe("1.1.0")
  })
})

describe.each(CLIENTS.filter(({ label }) => label.startsWith("npm")))("$label", (client) => {
  it("writes a lockfile with the gate's addresses anew by the command that vet names", async (ctx) => {
    const project = await open(ctx, client)
    succeed(await project.exec("npm_config_omit_lockfile_registry_resolved=false npm install"))
    expect(project.lock()).toContain(lab.gate.origin)
    const hashes = project.lock().match(/sha512-[^"]+/g)
    const { terminal } = await project.direct(VET)
    const command = /^ +fix: +(npm install .*)$/m.exec(terminal)?.[1]
    expect(command, terminal).toBeDefined()
    succeed(await project.direct(`npm_config_omit_lockfile_registry_resolved=false; ${command}`))
    expect(project.lock()).not.toContain(lab.gate.origin)
    expect(project.lock().match(/sha512-[^"]+/g)).toEqual(hashes)
    succeed(await project.direct(VET))
    forget(client, project)
    succeed(await project.direct(client.frozen))
  })
})
