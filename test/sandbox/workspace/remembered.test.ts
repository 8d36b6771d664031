import { execFileSync } from "node:child_process"
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import { describe, expect, test } from "vitest"
import { movedSecrets, rememberMasked } from "../../../src/sandbox/workspace/remembered.ts"
import { emptyHome, temporaryDirectory, testContext, writeFiles } from "../../context.ts"
import { inside, makeRepository, needBubblewrap, type Opened, open } from "./make.ts"

const KEY = "-----BEGIN PRIVATE KEY-----\nof the host\n-----END PRIVATE KEY-----\n"
const TOKEN = "//registry.example/:_authToken=npm_0123456789abcdefghijklmnopqrstuvwxyz\n"

/** Boxes one after the other in one workspace. */
async function boxesIn(root: string, policy = "") {
  execFileSync("chown", ["-R", "1000:1000", root])
  const ctx = testContext(root, { env: emptyHome() })
  let count = 0
  const next = (): Promise<Opened> =>
    open(root, { ctx, policy, run: `run-0123456789${String(10 + count++)}`, cwd: root })
  return async (script: string, rules = policy) => {
    const { workspace } =
      rules === policy ? await next() : await open(root, { ctx, policy: rules, run: "run-0123456789ff" })
    const { out } = inside(workspace, `{ ${script}; } 2>/dev/null`)
    await workspace.finish()
    return out
  }
}

describe("a secret whose directory a box renamed", () => {
  test("is empty in the boxes that come after: among installed packages", async (t) => {
    needBubblewrap(t)
    const root = makeRepository({ "certs/server.key": KEY, "app/.npmrc": TOKEN, "app/index.js": "1\n" })
    const box = await boxesIn(root)
    expect(
      await box("cat certs/server.key app/.npmrc; mkdir node_modules; mv certs app node_modules/; ls node_modules"),
    ).toBe("app\ncerts\n")
    const look = "cat node_modules/certs/server.key node_modules/app/.npmrc node_modules/app/index.js"
    expect(await box(look)).toBe("1\n")
    // What was masked for that reason alone is so for good, wherever it goes next.
    expect(await box(`${look}; mv node_modules/app node_modules/other`)).toBe("1\n")
    expect(await box("cat node_modules/other/.npmrc node_modules/other/index.js")).toBe("1\n")
  })

  test("is empty where its path was the secret: by a pattern, and by its name with the one above", async (t) => {
    needBubblewrap(t)
    const root = makeRepository({
      "fixtures/customers/notes.txt": "of customers\n",
      ".config/gh/hosts.yml": "oauth_token: of-the-host\n",
      ".docker/config.json": '{"auths":{}}\n',
    })
    const policy = 'sandbox: { mask: ["fixtures/customers/**"] }\n'
    const box = await boxesIn(root, policy)
    expect(await box("mv fixtures pub; mv .config c; mv .docker d; ls -d c d pub")).toBe("c\nd\npub\n")
    expect(await box("cat pub/customers/notes.txt c/gh/hosts.yml d/config.json")).toBe("")
  })

  test("is seen where it always was, once no pattern says that it is one", async (t) => {
    needBubblewrap(t)
    const root = makeRepository({ "notes/a.txt": "no secret\n" })
    const box = await boxesIn(root, "sandbox: { mask: [notes/a.txt] }\n")
    expect(await box("cat notes/a.txt")).toBe("")
    expect(await box("cat notes/a.txt", "sandbox: { pids: 100 }\n")).toBe("no secret\n")
  })

  test("is not forgotten for many that a box makes; what damages the file is no error", () => {
    const root = temporaryDirectory({ "certs/server.key": KEY })
    const state = temporaryDirectory()
    const deep = `${"x".repeat(200)}/${"y".repeat(200)}`
    const many = Array.from({ length: 3000 }, (_, n) => `${deep}/.env.${n}`)
    writeFiles(root, Object.fromEntries(many.map((path) => [path, ""])))
    rememberMasked(state, root, [{ path: "certs/server.key" }])
    rememberMasked(
      state,
      root,
      many.map((path) => ({ path })),
    )
    mkdirSync(join(root, "node_modules"))
    renameSync(join(root, "certs"), join(root, "node_modules/certs"))
    const moved = join(root, "node_modules/certs/server.key")
    expect(movedSecrets(state)(moved)).toBe(true)
    const [name] = readdirSync(join(state, "masked"))
    // A drive may be away, and its directory another, while other workspaces are remembered.
    renameSync(root, `${root}-away`)
    rememberMasked(state, temporaryDirectory({ ".env": "" }), [{ path: ".env" }])
    const away = moved.replace(root, `${root}-away`)
    expect(movedSecrets(state)(away)).toBe(true)
    rememberMasked(state, `${root}-away`, [{ path: "node_modules/certs/server.key" }])
    expect(movedSecrets(state)(away)).toBe(true)
    renameSync(`${root}-away`, root)
    for (const other of readdirSync(join(state, "masked"))) if (other !== name) rmSync(join(state, "masked", other))
    for (const text of ["{", "[1]", '{"root":"/","masked":[["a"]]}', "null"]) {
      writeFileSync(join(state, "masked", name!), text)
      expect(movedSecrets(state)(moved)).toBe(false)
    }
  })
})

test("a workspace that cannot be looked at is in the way of no other", () => {
  const state = temporaryDirectory()
  const root = temporaryDirectory({ "certs/server.key": KEY })
  rememberMasked(state, root, [{ path: "certs/server.key" }])
  const file = join(state, "masked", readdirSync(join(state, "masked"))[0]!)
  // Below a mount that is dead every look is an error, as one at such a path is.
  writeFileSync(file, readFileSync(file, "utf8").replace("/certs/", "/\\u0000/"))
  const other = temporaryDirectory({ "server.key": KEY, "a.txt": "" })
  const isMoved = movedSecrets(state)
  expect(["server.key", "a.txt"].map((name) => isMoved(join(other, name)))).toEqual([false, false])
  expect(isMoved(join(root, "certs/server.key"))).toBe(true)
})

test("of very many workspaces the oldest are forgotten", () => {
  const state = temporaryDirectory()
  const root = temporaryDirectory({ ".env": "" })
  rememberMasked(state, root, [{ path: ".env" }])
  const [name] = readdirSync(join(state, "masked"))
  for (let n = 0; n < 1000; n++) cpSync(join(state, "masked", name!), join(state, "masked", `${n}`))
  utimesSync(join(state, "masked/7"), 1, 1)
  rememberMasked(state, temporaryDirectory({ ".env": "" }), [])
  rememberMasked(state, `${root}/.`, [{ path: ".env" }])
  expect(readdirSync(join(state, "masked"))).toHaveLength(1000)
  expect(existsSync(join(state, "masked/7"))).toBe(false)
})

describe("what a box calls .git", () => {
  test("at the top of a mount, its secrets are empty in the next box", async (t) => {
    needBubblewrap(t)
    const root = makeRepository()
    const data = temporaryDirectory({ "keys/.env": "KEY=host\n", "keys/a.txt": "1\n" })
    execFileSync("chown", ["-R", "1000:1000", data])
    const policy = `sandbox: { mounts: [{ path: ${data}, target: /data, write: true }] }\nmounts: [{ id: mine, allow: ${data}, write: true }]\n`
    const box = await boxesIn(root, policy)
    expect(await box("cat /data/keys/.env /data/keys/a.txt; mv /data/keys /data/.git")).toBe("1\n")
    expect(await box("cat /data/.git/.env /data/.git/a.txt")).toBe("1\n")
  })

  test("at the top of a workspace by another spelling, they are, too, while the first box is there", async (t) => {
    needBubblewrap(t)
    const root = makeRepository({ "conf/.env": "KEY=host\n", "conf/a.txt": "1\n" })
    execFileSync("chown", ["-R", "1000:1000", root])
    const one = await open(root)
    inside(one.workspace, "mv conf .GIT")
    const two = await open(root, { ctx: one.ctx, run: "run-0123456789ac" })
    expect(inside(two.workspace, "cat .GIT/.env .GIT/a.txt 2>/dev/null").out).toBe("1\n")
    await one.workspace.finish()
    await two.workspace.finish()
  })
})
