// Real clients behind a gate process in front of the registries that this machine is set up for, with real advisories. A handful
// of small packages, asked for as anyone would.
import { globSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it, type TestContext } from "vitest"
import { CLIENTS } from "../long/clients/clients.ts"
import type { ClientDescription, Wanted } from "../long/clients/description.ts"
import { goModule } from "../long/clients/packages.ts"
import { commandIn } from "../long/clients/terminal.ts"
import { SAMPLE } from "../long/faults/random.ts"
import { CASES } from "./gateway-cases.ts"
import { type LiveGate, type LiveProject, openLiveGate, type Ran } from "./gateway-process.ts"

const TRIED = SAMPLE
  ? ["npm 11", "pip", "go"]
  : ["npm 11", "pnpm 10", "yarn 1", "yarn 4", "bun", "pip", "uv", "cargo", "go"]

let gate: LiveGate
beforeAll(async () => {
  gate = await openLiveGate()
})
afterAll(() => gate?.close())

describe.each(CLIENTS.filter(({ label }) => TRIED.includes(label)))("$label", (client) => {
  const { approved, range, pin } = CASES[client.ecosystem]
  const open = async (ctx: TestContext, wanted: Wanted) =>
    gate.project(client, await client.find(ctx), published(client.files(wanted, "")))

  it("installs through the gate what it installs without it", async (ctx) => {
    const wanted = Object.fromEntries(Object.entries(approved).map(([name, version]) => [name, `=${version}`]))
    const direct = await open(ctx, wanted)
    const without = await direct.direct(client.install)
    if (without.exit !== 0) await skipUnreachable(ctx, client, without)
    const behind = await open(ctx, wanted)
    await succeed(ctx, client, await behind.exec(client.install))
    const tree = treeOf(client, behind)
    expect(tree.size).toBeGreaterThan(Object.keys(wanted).length)
    expect(tree).toEqual(treeOf(client, direct))
  })

  it("ends a range over a refused version on the approved one", async (ctx) => {
    const { name, requirement, ends } = range
    if (client.ecosystem === "golang") {
      // Go has no ranges: what it chooses among versions for is a query.
      const project = await open(ctx, {})
      await succeed(ctx, client, await project.exec(`go get '${name}@${requirement}'`))
      expect(installed(client, project, name)).toBe(ends)
      return
    }
    const project = gate.project(client, await client.find(ctx), withRequirement(client, name, requirement))
    await succeed(ctx, client, await project.exec(client.install))
    expect(installed(client, project, name)).toBe(ends)
  })

  it("fails on a pin once, and says the command that then works", async (ctx) => {
    const { name, version, advisory } = pin
    const project = await open(ctx, { [name]: `=${version}` })
    const before = await gate.refused()
    const ran = await project.exec(client.install)
    expect(ran.exit, ran.terminal).not.toBe(0)
    if (!ran.terminal.includes("vulnerability.severity")) await skipUnreachable(ctx, client, ran)
    expect(ran.terminal).toContain(advisory)
    // None where the listing already leaves it out.
    expect((await gate.refused()) - before, ran.terminal).toBeLessThanOrEqual(client.asks ?? 1)
    const command = commandIn(ran.terminal)
    expect(command, ran.terminal).toBeDefined()
    const after = await project.exec(command!)
    await succeed(ctx, client, { ...after, terminal: `${ran.terminal}\n$ ${command}\n${after.terminal}` })
    if (client.keeps === undefined) await succeed(ctx, client, await project.exec(client.install))
    expect(installed(client, project, name), `$ ${command}\n${after.terminal}`).toMatch(/^\d/)
    expect(installed(client, project, name)).not.toBe(version)
  })
})

/** The descriptions know modules that nobody published; here they have their own paths. */
function published(files: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(files).map(([path, text]) => [path, text.replaceAll(goModule(""), "")]))
}

/** A project that asks for a requirement in the ecosystem's own words. */
function withRequirement(client: ClientDescription, name: string, requirement: string): Record<string, string> {
  const files = client.files({ [name]: "=REQUIREMENT" }, "")
  return Object.fromEntries(
    Object.entries(files).map(([path, text]) => [path, text.replace(/=*REQUIREMENT/g, requirement)]),
  )
}

function installed(client: ClientDescription, { directory }: LiveProject, name: string): string | undefined {
  if (client.ecosystem !== "golang") return client.installed(directory, name)
  const manifest = readFileSync(join(directory, "go.mod"), "utf8")
  return manifest.match(new RegExp(`${name} v(\\S+)`))?.[1]
}

async function succeed(ctx: TestContext, client: ClientDescription, ran: Ran): Promise<void> {
  if (ran.exit !== 0) await skipUnreachable(ctx, client, ran)
}

/** What clients and the gate print where nothing answers. */
const UNREACHABLE =
  /ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EAI_AGAIN|NameResolutionError|dns error|no such host|i\/o timeout|connection refused|Could not resolve host|502 Bad Gateway|ConnectTimeout/i

/** The gate's own word that a registry's files lie where it follows no index to. */
const BEHIND = "leads to an address in a private network"

/** Skips where it was the network; a failure of anything else stays one. */
async function skipUnreachable(ctx: TestContext, client: ClientDescription, { terminal }: Ran): Promise<never> {
  const [sign] = UNREACHABLE.exec(terminal) ?? []
  if (sign !== undefined)
    ctx.skip(
      `the ${client.ecosystem} registry is missing: ${client.label} cannot reach it (${sign}); run this where it can`,
    )
  const [file] = /http:\/\/127\.0\.0\.1:\d+\/(?:pypi\/files|cargo\/crates|npm|go)\/[^\s)`]+/.exec(terminal) ?? []
  const said = file === undefined ? terminal : terminal + (await (await fetch(file)).text())
  if (said.includes(BEHIND))
    ctx.skip(
      `a public way to the ${client.ecosystem} registry's files is missing: this machine's name server has them in a reserved network`,
    )
  throw new Error(terminal)
}

/** Installed files by path; left out what managers note for themselves, and of when they did so. */
function treeOf(client: ClientDescription, { directory }: LiveProject): Map<string, string> {
  const noted = /(^|\/)node_modules\/\.(?!pnpm\/[^l]|bin\/)|__pycache__|_virtualenv|\.lock$/
  const paths = client.trees.flatMap((tree) => globSync(`${tree}/**/*`, { cwd: directory }))
  const files = paths.filter((path) => !noted.test(path) && statSync(join(directory, path)).isFile()).sort()
  return new Map(files.map((path) => [path, readFileSync(join(directory, path)).toString("latin1")]))
}
