// Every package manager, unmodified, behind a running gate: an approved install, a range, a pin, a lockfile, a dependency's
// dependency, and bytes that are not the promised ones.
import { globSync } from "node:fs"
import { dirname, join } from "node:path"
import { afterAll, beforeAll, describe, expect, it, type TestContext } from "vitest"
import { CLIENTS } from "./clients.ts"
import type { ClientDescription, Wanted } from "./description.ts"
import { ADVISORY, type Laboratory, lockBefore, openLaboratory } from "./gate.ts"
import type { Packages } from "./packages.ts"
import { filesBelow, forget, type Project, type Ran } from "./project.ts"
import { commandIn } from "./terminal.ts"

const PACKAGES: Packages = {
  plain: [{ version: "1.0.0" }, { version: "1.1.0" }],
  "uses-plain": [{ version: "1.0.0", dependencies: { plain: "^1.0.0" } }],
  // The highest of its line is bad, and the fixed one breaks.
  foo: [{ version: "1.0.0" }, { version: "1.1.0" }, { version: "1.2.0" }, { version: "2.0.0" }],
  // Fixed in the same line.
  bar: [{ version: "1.0.0" }, { version: "1.0.1" }, { version: "1.0.2" }],
  "uses-bar": [
    { version: "1.0.0", dependencies: { bar: "=1.0.1" } },
    { version: "1.1.0", dependencies: { bar: "=1.0.2" } },
  ],
  // One a client, so that nothing is in the gate's cache.
  ...Object.fromEntries(CLIENTS.map((client) => [swappedFor(client), [{ version: "1.0.0" }]])),
}
const REFUSED = { foo: ["1.2.0"], bar: ["1.0.1"] }
const MARK = "these are not the bytes that were promised"

let lab: Laboratory
beforeAll(async () => {
  lab = await openLaboratory(PACKAGES, REFUSED)
})
afterAll(() => lab?.close())

describe.each(CLIENTS)("$label", (client) => {
  const open = async (ctx: TestContext, wanted: Wanted, base = lab.gate.origin): Promise<Project> =>
    lab.project(client, await client.find(ctx), client.files(wanted, base))

  it("installs through the gate what it installs without it", async (ctx) => {
    const wanted = { "uses-plain": "=1.0.0", plain: "^1.0.0" }
    const direct = await open(ctx, wanted, lab.upstream.base)
    succeed(await direct.direct(client.install))
    const behind = await open(ctx, wanted)
    succeed(await behind.exec(client.install))
    const tree = treeOf(client, behind)
    expect(tree.size).toBeGreaterThan(2)
    expect(tree).toEqual(treeOf(client, direct))
  })

  it("ends a range over a refused version on the approved one", async (ctx) => {
    if (client.ecosystem === "golang") {
      // Go has no ranges: what it chooses among versions for is a query.
      const project = await open(ctx, {})
      succeed(await project.exec(client.add("bar")))
      expect(client.installed(project.directory, "bar")).toBe("1.0.2")
      return
    }
    const project = await open(ctx, { foo: "^1.0.0" })
    succeed(await project.exec(client.install))
    expect(client.installed(project.directory, "foo")).toBe("1.1.0")
  })

  it("fails on a pin once, and says the command that then works", async (ctx) => {
    const project = await open(ctx, { bar: "=1.0.1" })
    const asked = await refuses(client, project, client.install, ["bar"])
    expect(asked.filter((one) => one.status() === 403).length).toBeLessThanOrEqual(client.asks ?? 1)
    expect(asked.length).toBeLessThanOrEqual(12)
  })

  it("fails on a lockfile with a refused version, and says the command that then works", async (ctx) => {
    const project = await open(ctx, { bar: "=1.0.1" })
    await lockBefore(lab, client, project)
    const asked = await refuses(client, project, client.frozen, ["bar"])
    expect(asked.filter((one) => one.status() === 403).length).toBeLessThanOrEqual(client.asks ?? 1)
    expect(asked.length).toBeLessThanOrEqual(12)
  })

  it("fails on a dependency's refused dependency, and says the command that then works", async (ctx) => {
    const project = await open(ctx, { "uses-bar": "=1.0.0" })
    const asked = await refuses(client, project, client.install, ["uses-bar", "bar"])
    expect(asked.filter((one) => one.status() === 403).length).toBeLessThanOrEqual(client.asks ?? 1)
  })

  it("does not run a refused version once", async (ctx) => {
    if (client.once === undefined) ctx.skip(`${client.label} runs no package without installing it`)
    const project = await open(ctx, {})
    const from = lab.asked.length
    const ran = await project.exec(client.once!("bar", "1.0.1"))
    expect(ran.exit, ran.terminal).not.toBe(0)
    for (const word of ["vulnerability.severity", ADVISORY]) expect(ran.terminal).toContain(word)
    expect(lab.asked.slice(from).map((one) => one.status())).toContain(403)
  })

  it("never has bytes that were not promised", async (ctx) => {
    const name = swappedFor(client)
    const project = await open(ctx, { [name]: "=1.0.0" })
    // Go's registry promises no hash: what holds there is the project's go.sum.
    if (client.ecosystem === "golang") {
      succeed(await project.direct(client.install))
      forget(client, project)
    }
    lab.upstream.notes.set(`${name}@1.0.0`, MARK)
    try {
      const ran = await project.exec(client.install, {
        npm_config_fetch_retries: "0",
        pnpm_config_fetch_retries: "0",
        CARGO_NET_RETRY: "0",
        UV_HTTP_RETRIES: "0",
        PIP_RETRIES: "0",
        YARN_HTTP_RETRY: "0",
      })
      expect(ran.exit, ran.terminal).not.toBe(0)
      const { tampered } = lab.upstream
      expect(tampered).not.toEqual([])
      const found = [project.directory, ...project.caches]
        .flatMap((place) => [...filesBelow(place)])
        .filter(([, bytes]) => bytes.includes(MARK) || tampered.some((whole) => bytes.includes(whole)))
      // Go keeps what it found to be wrong under a name that it never reads again.
      expect(found.map(([path]) => path).filter((path) => !/\.zip\d+\.tmp$/.test(path))).toEqual([])
    } finally {
      lab.upstream.notes.clear()
      lab.upstream.tampered.length = 0
    }
  })
})

function succeed(ran: Ran) {
  expect(ran.exit, ran.terminal).toBe(0)
}

/** Runs what is refused, does what the terminal then says, and looks at what is there. Returns the requests of the refused run. */
async function refuses(client: ClientDescription, project: Project, line: string, wanted: readonly string[]) {
  const from = lab.asked.length
  const ran = await project.exec(line)
  const asked = lab.asked.slice(from)
  expect(ran.exit, ran.terminal).not.toBe(0)
  for (const word of ["vulnerability.severity", ADVISORY]) expect(ran.terminal).toContain(word)
  const command = commandIn(ran.terminal)
  expect(command, ran.terminal).toBeDefined()
  const after = await project.exec(command!)
  expect(after.exit, `${ran.terminal}\n$ ${command}\n${after.terminal}`).toBe(0)
  if (client.keeps === undefined) succeed(await project.exec(client.install))
  for (const name of wanted) {
    const version = client.installed(project.directory, name)
    const about = `${name}\n${ran.terminal}\n$ ${command}\n${after.terminal}`
    expect(version, about).toBeDefined()
    expect(REFUSED, about).not.toMatchObject({ [name]: [version] })
  }
  return asked
}

function swappedFor({ label }: ClientDescription): string {
  return `swapped-${label.replace(" ", "")}`
}

/** Installed files and lockfiles; addresses and the place of the project made equal, and left out what managers note for themselves. */
function treeOf(client: ClientDescription, { directory }: Project): Map<string, string> {
  const roots = client.trees.flatMap((tree) => globSync(tree, { cwd: directory }))
  const noted = /^node_modules\/\.(?!pnpm\/[^l]|bin\/)|__pycache__|_virtualenv|\.lock$/
  const files = roots.flatMap((root) =>
    [...filesBelow(join(directory, root))].map(([path, bytes]) => [join(root, path), bytes] as const),
  )
  const locks = [...filesBelow(directory)].filter(([path]) => client.locks.includes(path))
  return new Map(
    [...files.filter(([path]) => !noted.test(path)), ...locks].map(([path, bytes]) => [
      path,
      bytes
        .toString("latin1")
        .replaceAll(dirname(directory), "PROJECT")
        .replaceAll(lab.gate.origin, "BASE")
        .replaceAll(lab.upstream.base, "BASE")
        // Poetry hashes the project file, which names the registry.
        .replace(/^content-hash = .*$/m, ""),
    ]),
  )
}
