// `nanoguard secret` as people run it: values typed at a terminal or piped in, seen by a gate, and nowhere else.
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { execa } from "execa"
import { describe, expect, test } from "vitest"
import { openStore } from "../../src/store/open.ts"
import { openVault } from "../../src/vault/open.ts"
import { emptyHome, temporaryDirectory, testContext } from "../context.ts"
import { BIN } from "../e2e/nanoguard.ts"
import { hasTmux, openTerminal } from "../e2e/terminal.ts"
import { standIns } from "../vault/stand-ins.ts"

const PASS = "correct horse battery"
const VALUE = "Vq7-typed-by-a-person-4931"
const SECOND = "Zk2-piped-by-a-script-7720"

/** All that is in the files below a directory. */
function bytesBelow(directory: string): string {
  const files = readdirSync(directory, { recursive: true, encoding: "utf8" }).map((name) => join(directory, name))
  return files.map((file) => (statSync(file).isFile() ? readFileSync(file, "latin1") : "")).join("\n")
}

describe("secret", () => {
  test("is typed at a terminal, listed, piped in and removed; no value is anywhere in the clear", async (t) => {
    if (!hasTmux()) t.skip("tmux is missing: install it")
    const { path, env: own, calls } = standIns({ "secret-tool": true, security: true })
    const env = emptyHome({ ...own, PATH: `${path}:${process.env["PATH"]}` })
    const cwd = temporaryDirectory({ "pass.txt": `${PASS}\n` })
    const run = (args: string[], input = "") =>
      execa(process.execPath, [BIN, "secret", ...args], { cwd, env, extendEnv: false, input, reject: false })
    // A terminal's shell may have a PATH of its own.
    const onPath = `PATH='${env["PATH"]}'`
    const signed = ["--passphrase-file", "pass.txt"]
    const added = await execa(process.execPath, [BIN, "approver", "add", "ana", ...signed], {
      cwd,
      env,
      extendEnv: false,
    })
    expect(added.stdout).toContain("ana is an approver")

    const set = openTerminal(cwd, `${onPath} '${process.execPath}' '${BIN}' secret set github --for github`, env)
    t.onTestFinished(() => set.close())
    await set.waitFor("Passphrase of ana's key")
    set.press("-l", PASS)
    set.press("Enter")
    await set.waitFor("Value of github")
    set.press("-l", VALUE)
    set.press("Enter")
    const screen = await set.waitFor("[exit 0]")
    expect(screen).toContain("github is set (version 1), signed by ana")
    expect(screen).toContain("a vault was made for it, its key under: keychain")
    expect(screen).not.toMatch(/typed-by|horse/)

    const gone = openTerminal(cwd, `${onPath} '${process.execPath}' '${BIN}' secret rotate github`, env)
    t.onTestFinished(() => gone.close())
    await gone.waitFor("Passphrase of ana's key")
    gone.press("-l", PASS)
    gone.press("Enter")
    await gone.waitFor("Value of github")
    gone.press("C-c")
    expect(await gone.waitFor("[exit 1]")).toContain("Interrupted. Nothing was changed.")

    // A gate hears of it; another process sets the next one.
    const ctx = testContext(cwd, { env, now: Date.now() })
    const store = await openStore(ctx, { gateway: "gw" })
    t.onTestFinished(() => store.close())
    const vault = await openVault(ctx, store)
    t.onTestFinished(() => vault.close())
    expect(await vault.reveal("github")).toBe(VALUE)
    const piped = await run(
      ["set", "billing", "--host", "api.example.com", "--slot", "bearer", "--stdin", ...signed],
      `${SECOND}\n`,
    )
    expect(piped.stdout).toContain("billing is set")
    await expect.poll(() => vault.list().length, { timeout: 20_000 }).toBe(2)
    expect(await vault.reveal("billing")).toBe(SECOND)

    const list = JSON.parse((await run(["list", "--format", "json"])).stdout)
    expect(list).toMatchObject({
      ...{ schema: "nanoguard.secrets/1", refused: [] },
      credentials: [
        { name: "github", hosts: ["api.github.com", "uploads.github.com"], slot: "bearer", source: "vault", by: "ana" },
        { name: "billing", hosts: ["api.example.com"], version: 1 },
      ],
    })
    const said = await run(["set", "billing", SECOND, "--for", "github", ...signed])
    expect([said.exitCode, said.stderr]).toEqual([2, expect.stringContaining("does not belong on a command line")])
    expect(said.stderr + said.stdout).not.toContain(SECOND)
    const removed = await run(["remove", "github", "--yes", "--format", "json", ...signed])
    expect(JSON.parse(removed.stdout)).toMatchObject({ state: "removed", name: "github", by: "ana" })
    await expect.poll(() => vault.list().length, { timeout: 20_000 }).toBe(1)
    await expect(vault.reveal("github")).rejects.toThrow("no credential of that name")

    const log = await execa(process.execPath, [BIN, "audit", "tail", "--format", "ndjson"], {
      cwd,
      env,
      extendEnv: false,
    })
    expect(log.stdout).toContain("credential.set")
    // What programs of the system were called with, and all that lies in the person's home.
    expect(calls()).toContain('"store"')
    for (const value of [VALUE, SECOND]) {
      const forms = [value, Buffer.from(value).toString("base64").slice(0, 28), Buffer.from(value).toString("hex")]
      for (const form of forms) {
        expect(bytesBelow(env["HOME"]!).includes(form)).toBe(false)
        expect([calls(), log.stdout, piped.stdout, piped.stderr].some((text) => text.includes(form))).toBe(false)
      }
    }
  })

  test("of a vault with a passphrase asks for it, and takes no wrong one", async (t) => {
    if (!hasTmux()) t.skip("tmux is missing: install it")
    const env = emptyHome()
    const cwd = temporaryDirectory({ "pass.txt": `${PASS}\n` })
    const signed = ["--passphrase-file", "pass.txt"]
    await execa(process.execPath, [BIN, "approver", "add", "ana", ...signed], { cwd, env, extendEnv: false })
    writeFileSync(join(cwd, "value.txt"), VALUE)
    const open = (command: string) => {
      const terminal = openTerminal(cwd, `'${process.execPath}' '${BIN}' secret ${command}`, env)
      t.onTestFinished(() => terminal.close())
      return terminal
    }
    const init = open("init --key passphrase")
    for (const question of ["New passphrase of the vault", "Again"]) {
      await init.waitFor(question)
      init.press("-l", "a vault of its own")
      init.press("Enter")
    }
    expect(await init.waitFor("[exit 0]")).toContain("after a restart the gate needs you: nanoguard secret unlock")
    const set = `set one --host api.example.com --slot bearer --file value.txt ${signed.join(" ")}`
    for (const [typed, exit] of [
      ["not this one", 1],
      ["a vault of its own", 0],
    ] as const) {
      const terminal = open(set)
      await terminal.waitFor("Passphrase of the vault")
      terminal.press("-l", typed)
      terminal.press("Enter")
      const screen = await terminal.waitFor(`[exit ${exit}]`)
      expect(screen).toContain(exit === 0 ? "one is set (version 1)" : "the passphrase does not open the vault")
      expect(screen).not.toContain(typed)
    }
  })

  test("of a gate that runs is unlocked and locked through its control socket", async (t) => {
    const env = emptyHome()
    const files = {
      "nanoguard.yaml": "version: 1\npackages: { deny: { severity: high } }\n",
      "vault.txt": "a vault of its own\n",
    }
    const cwd = temporaryDirectory({ ...files, "pass.txt": `${PASS}\n`, "wrong.txt": "not this one\n" })
    const options = { cwd, env, extendEnv: false, reject: false, timeout: 60_000 } as const
    const run = (args: string, input = "") => execa(process.execPath, [BIN, ...args.split(" ")], { ...options, input })
    await run("approver add ana --passphrase-file pass.txt")
    await run("policy adopt --yes --passphrase-file pass.txt")
    await run("secret init --key passphrase --new-passphrase-file vault.txt")
    expect(await run("secret unlock --passphrase-file vault.txt")).toMatchObject({
      ...{ exitCode: 5, stderr: expect.stringContaining("no gateway is running here") },
    })
    const gate = execa(process.execPath, [BIN, "gateway", "start", "--port", "0"], { ...options, timeout: 0 })
    t.onTestFinished(() => void gate.kill("SIGKILL"))
    await new Promise<void>((resolve) => gate.stdout.once("data", () => resolve()))
    const said = []
    for (const [args, input] of [
      ["secret unlock --passphrase-file wrong.txt", ""],
      ["secret unlock --stdin", "a vault of its own\n"],
      ["secret lock --format json", ""],
      ["secret unlock --passphrase-file vault.txt", ""],
    ] as const) {
      const { exitCode, stdout, stderr } = await run(args, input)
      said.push([exitCode, (stdout || stderr).split("\n")[0]])
    }
    expect(said).toEqual([
      [1, "error: the passphrase does not open the vault"],
      [0, "The vault is open. Its key is under a passphrase (scrypt, 128 MiB a guess) that is written nowhere."],
      [0, "{"],
      [0, "The vault is open. Its key is under a passphrase (scrypt, 128 MiB a guess) that is written nowhere."],
    ])
    const log = await run("audit tail --kind configuration --format ndjson")
    const types = log.stdout.split("\n").flatMap((line) => /configuration\.vault-\w+/.exec(line) ?? [])
    expect(types.sort()).toEqual(
      ["locked", "refused", "unlocked", "unlocked"].map((step) => `configuration.vault-${step}`),
    )
    expect(log.stdout).not.toMatch(/a vault of its own|not this one/)
  })
})
