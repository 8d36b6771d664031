import { mkdirSync, symlinkSync } from "node:fs"
import { createServer } from "node:net"
import { join } from "node:path"
import { describe, expect, onTestFinished, test } from "vitest"
import { emptyHome, temporaryDirectory, testContext, writeFiles } from "../../context.ts"
import { open } from "./make.ts"

/** Opens an empty workspace with further mounts, and says what became of each. */
async function openWith(
  mounts: string,
  rules: string,
  more: { home?: (home: string) => void; env?: Record<string, string> } = {},
) {
  const root = temporaryDirectory()
  const ctx = testContext(root, { env: { ...emptyHome(), ...more.env } })
  more.home?.(ctx.env["HOME"]!)
  const policy = `default: { mounts: deny }\nmounts: [${rules}]\nsandbox: { workspace: none, mounts: [${mounts}] }`
  const { workspace } = await open(root, { ctx, policy })
  return {
    ...workspace,
    home: ctx.env["HOME"]!,
    why: workspace.notes.filter(({ kind }) => kind === "refused").map(({ text }) => text),
  }
}

describe("further mounts", () => {
  test("what the policy allows is mounted, with secrets in it masked, and every decision is answered", async () => {
    const data = temporaryDirectory({ "a.csv": "1", "deep/.env": "SECRET=1", "deep/id_rsa": "" })
    const { mounts, decisions, why } = await openWith(
      `{ path: ${data}, target: /data }`,
      `{ id: data, allow: ${data} }`,
    )
    expect(why).toEqual([])
    expect(mounts.slice(1)).toEqual([
      { kind: "bind", source: data, target: "/data", write: false },
      { kind: "mask", target: "/data/deep/.env", directory: false },
      { kind: "mask", target: "/data/deep/id_rsa", directory: false },
    ])
    expect(decisions).toMatchObject([
      { action: { kind: "mount", path: data, write: false }, target: "/data", mounted: true },
    ])
  })

  test("reading is not writing, and asking is no yes", async () => {
    const data = temporaryDirectory()
    const write = await openWith(`{ path: ${data}, target: /data, write: true }`, `{ id: data, allow: ${data} }`)
    expect(write.mounts.length).toBe(1)
    const asked = await openWith(`{ path: ${data}, target: /data }`, `{ id: careful, ask: ${data} }`)
    expect(asked.why[0]).toContain(`{ id: mine, allow: ${data} }, then nanoguard policy adopt`)
    expect(asked.decisions[0]).toMatchObject({ mounted: false, verdict: { effect: "ask" } })
  })

  test("a rule about what lies in a directory holds for a mount of the directory", async () => {
    const data = temporaryDirectory({ "deep/er/.secrets/key": "", "deep/a b.txt": "" })
    const { why, mounts } = await openWith(
      `{ path: ${data}, target: /data }`,
      `{ id: data, allow: ${data} }, { id: keys, deny: "**/.secrets/**" }`,
    )
    expect(mounts.length).toBe(1)
    expect(why[0]).toContain("lies in it, which the policy does not let in (keys ")
  })

  const ANY = `{ id: any, allow: "/**", write: true }`

  test.each(["/", "/proc", "/sys/kernel", "/dev", "/run", "/var/run/docker.sock", "/var/run"])(
    "%s is never mounted",
    async (path) => {
      const { mounts, why } = await openWith(`{ path: ${path}, target: /data }`, ANY)
      expect([mounts.length, why.length]).toEqual([1, 1])
    },
  )

  test.each(["~/.ssh", "~/.aws/sub", "~/.config/gh", "~/.npmrc", "~", "~/.config", "~/nanoguard/state", "~/nanoguard"])(
    "%s is never mounted",
    async (path) => {
      const home = (directory: string) => {
        for (const name of [".ssh", ".aws/sub", ".config/gh", "nanoguard/state"])
          mkdirSync(join(directory, name), { recursive: true })
        writeFiles(directory, { ".npmrc": "" })
      }
      const { mounts, why } = await openWith(`{ path: "${path}", target: /data }`, ANY, { home })
      expect([mounts.length, why.length]).toEqual([1, 1])
    },
  )

  test("no link, no socket, nothing below what the box writes, nothing over what the box has", async () => {
    const data = temporaryDirectory({ "sub/a": "" })
    symlinkSync(join(data, "sub"), join(data, "link"))
    const refused = async (mounts: string) => (await openWith(mounts, ANY)).why
    expect(await refused(`{ path: ${data}/link, target: /data }`)).toEqual([expect.stringContaining("a link leads to")])
    expect(await refused(`{ path: ${data}, target: /data, write: true }, { path: ${data}/sub, target: /sub }`)).toEqual(
      [expect.stringContaining("could be exchanged")],
    )
    expect(await refused(`{ path: ${data}, target: /usr/local }`)).toEqual([
      expect.stringContaining("the box has its own"),
    ])
    expect(await refused(`{ path: ${data}, target: /workspace/x }`)).toEqual([
      expect.stringContaining("the box has its own"),
    ])
    expect(await refused(`{ path: relative, target: /x }`)).toEqual(["not mounted: its path is not absolute"])
    expect(await refused(`{ path: ${data}/none, target: /x }`)).toEqual(["not mounted: there is nothing there"])
    const server = createServer().listen(join(data, "sub/socket"))
    onTestFinished(() => void server.close())
    await new Promise((done) => server.once("listening", done))
    expect(await refused(`{ path: ${data}/sub, target: /x }`)).toEqual([
      expect.stringContaining("there are sockets in it"),
    ])
    expect(await refused(`{ path: ${data}/sub/socket, target: /x }`)).toHaveLength(1)
  })
})

describe("what can be a workspace", () => {
  const root = (path: (home: string) => string) => {
    const ctx = testContext("/", { env: emptyHome() })
    mkdirSync(join(ctx.env["HOME"]!, "nanoguard/state"), { recursive: true })
    mkdirSync(join(ctx.env["HOME"]!, ".ssh"))
    return open(path(ctx.env["HOME"]!), { ctx, mode: "none" })
  }
  test.each([
    ["the machine", () => "/"],
    ["the home directory", (home: string) => home],
    ["what contains it", (home: string) => join(home, "..")],
    ["nanoguard's state", (home: string) => join(home, "nanoguard/state")],
    ["keys", (home: string) => join(home, ".ssh")],
    ["what is not there", (home: string) => join(home, "none")],
  ])("%s cannot", async (_, path) => {
    await expect(root(path)).rejects.toMatchObject({ name: "NanoguardError", exit: 2 })
  })

  test("a .git that is a link cannot be shown to a box", async () => {
    const directory = temporaryDirectory({ "real/HEAD": "ref: refs/heads/main\n" })
    symlinkSync("real", join(directory, ".git"))
    await expect(open(directory)).rejects.toThrow(".git is a link")
  })
})
