// What protects the vault's key: files, passphrases, systemd's credentials, keychains. The last two through stand-ins for their
// programs; systemd's own where it works.
import { spawnSync } from "node:child_process"
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import { describe, expect, test } from "vitest"
import { stateHome } from "../../src/home.ts"
import { defaultKind, ensureVault, initVault, replaceProtection } from "../../src/vault/init.ts"
import { defaultKeyFile, makeKeyFile, readKeyFile } from "../../src/vault/key-file.ts"
import { newKey } from "../../src/vault/keys.ts"
import { describeProtection, KINDS } from "../../src/vault/protection.ts"
import { isKeychainThere, readFromKeychain, storeInKeychain } from "../../src/vault/system-keys.ts"
import { unlockVaultKey } from "../../src/vault/unlock.ts"
import { readVaultFile, vaultPath } from "../../src/vault/vault-file.ts"
import { emptyHome, temporaryDirectory, testContext } from "../context.ts"
import { standIns } from "../vault/stand-ins.ts"
import { PASSPHRASE } from "../vault/support.ts"

const newContext = (env: Record<string, string> = {}) => testContext(temporaryDirectory(), { env: emptyHome(env) })
const mode = (file: string) => statSync(file).mode & 0o777

describe("a key file", () => {
  test("is made for its owner alone, outside of the state directory", async () => {
    const ctx = newContext()
    const file = await initVault(ctx, { kind: "file" })
    const path = defaultKeyFile(ctx)
    expect([mode(path), mode(vaultPath(ctx)), mode(stateHome(ctx))]).toEqual([0o600, 0o600, 0o700])
    expect(path.startsWith(stateHome(ctx))).toBe(false)
    const key = await unlockVaultKey(ctx, file)
    expect(key.length).toBe(32)
    expect(readFileSync(vaultPath(ctx), "utf8")).not.toContain(readFileSync(path, "utf8").trim())
  })

  test("is refused where others may read it, where it is a link, in the state directory, or no key", async () => {
    const ctx = newContext()
    const file = await initVault(ctx, { kind: "file" })
    const path = defaultKeyFile(ctx)
    const whole = readFileSync(path)
    const refused = (why: string) => expect(unlockVaultKey(ctx, file)).rejects.toThrow(why)
    for (const bits of [0o640, 0o604, 0o660]) {
      chmodSync(path, bits)
      await refused("may be read by others")
    }
    chmodSync(path, 0o600)
    for (const text of ["", "short", `${whole}x`, "A".repeat(44), "\0".repeat(44)]) {
      writeFileSync(path, text)
      await refused("holds no key")
    }
    writeFileSync(path, `${newKey().toString("base64")}\n`)
    await refused("does not open with its key")
    renameSync(path, `${path}.moved`)
    await refused("is not there")
    symlinkSync(`${path}.moved`, path)
    await refused("is a symbolic link")
    rmSync(path)
    mkdirSync(path)
    await refused("is not a file")
    const inside = join(stateHome(ctx), "keys", "vault.key")
    expect(() => makeKeyFile(ctx, inside)).toThrow("inside of the state directory")
    const way = join(temporaryDirectory(), "way")
    symlinkSync(stateHome(ctx), way)
    expect(() => makeKeyFile(ctx, join(way, "vault.key"))).toThrow("inside of the state directory")
    expect(existsSync(inside)).toBe(false)
    expect(() => makeKeyFile(ctx, "vault.key")).toThrow("absolute path")
  })

  test("may be moved, where a variable says to which place", async () => {
    const ctx = newContext()
    const file = await initVault(ctx, { kind: "file" })
    const key = await unlockVaultKey(ctx, file)
    const elsewhere = join(temporaryDirectory(), "moved.key")
    renameSync(defaultKeyFile(ctx), elsewhere)
    const moved = { ...ctx, env: { ...ctx.env, NANOGUARD_VAULT_KEY: elsewhere } }
    expect((await unlockVaultKey(moved, file)).equals(key)).toBe(true)
  })

  test("that is there already is used, never overwritten", () => {
    const ctx = newContext()
    const path = join(temporaryDirectory(), "own.key")
    const key = newKey()
    writeFileSync(path, key.toString("base64"), { mode: 0o600 })
    expect(makeKeyFile(ctx, path).equals(key)).toBe(true)
    expect(readKeyFile(ctx, path).equals(key)).toBe(true)
  })
})

describe("a vault", () => {
  test("is made once, by whoever comes first", async () => {
    const ctx = newContext({ PATH: "" })
    const made = await Promise.all(Array.from({ length: 4 }, () => ensureVault(ctx)))
    expect(made.filter((one) => one.made).length).toBe(1)
    expect(new Set(made.map(({ file }) => file.id)).size).toBe(1)
    await expect(initVault(ctx, { kind: "file" })).rejects.toThrow("there is a vault already")
  })

  test("keeps its key under another protection, and the old one opens it no more", async () => {
    const ctx = newContext()
    const first = await initVault(ctx, { kind: "file" })
    const key = await unlockVaultKey(ctx, first)
    await replaceProtection(ctx, { kind: "passphrase", passphrase: PASSPHRASE }, first)
    const second = readVaultFile(ctx)!
    expect((await unlockVaultKey(ctx, second, PASSPHRASE)).equals(key)).toBe(true)
    await expect(unlockVaultKey(ctx, second)).rejects.toThrow("the vault is locked")
    await expect(unlockVaultKey(ctx, second, `${PASSPHRASE}x`)).rejects.toThrow("does not open the vault")
    expect(JSON.stringify(second)).not.toContain(PASSPHRASE)
  })

  test("takes no short passphrase, and does not mind how an accent was typed", async () => {
    const ctx = newContext()
    await expect(initVault(ctx, { kind: "passphrase", passphrase: "short" })).rejects.toThrow("shorter than 8")
    expect(existsSync(vaultPath(ctx))).toBe(false)
    const file = await initVault(ctx, { kind: "passphrase", passphrase: "cafe\u0301 passphrase" })
    expect(await unlockVaultKey(ctx, file, "caf\u00e9 passphrase")).toBeDefined()
  })
})

describe("a keychain", () => {
  test.each(["linux", "darwin"] as const)("keeps a key and is asked for it, by pipes alone (%s)", async (platform) => {
    const { env, calls } = standIns({ "secret-tool": true, security: true })
    const ctx = newContext(env)
    const key = newKey()
    await storeInKeychain(ctx, "vault-1", key, platform)
    expect((await readFromKeychain(ctx, "vault-1", platform)).equals(key)).toBe(true)
    await expect(readFromKeychain(ctx, "vault-2", platform)).rejects.toThrow("no key of this vault")
    expect(await isKeychainThere(ctx, platform)).toBe(true)
    expect(calls().split("\n").length).toBeGreaterThan(4)
    expect(calls()).not.toContain(key.toString("base64").slice(0, 20))
  })

  test("is the default where it works, else a file is", async () => {
    const works = newContext(standIns({ "secret-tool": true, security: true }).env)
    expect(await defaultKind(works)).toBe("keychain")
    const { file } = await ensureVault(works)
    expect(file.protection.kind).toBe("keychain")
    expect((await unlockVaultKey(works, file)).length).toBe(32)
    const forgets = standIns({ "secret-tool": "process.exit(0)", security: "process.exit(0)" })
    for (const env of [forgets.env, standIns({ "secret-tool": "process.exit(1)" }).env, { PATH: "" }])
      expect(await defaultKind(newContext(env))).toBe("file")
  })
})

describe("systemd's credentials", () => {
  const STAND_IN = `const text = require("node:fs").readFileSync(0, "utf8")
const turn = (s) => [...s].reverse().join("")
process.stdout.write(process.argv[2] === "encrypt" ? Buffer.from(turn(text.padEnd(80))).toString("base64") + "\\n" : turn(Buffer.from(text, "base64").toString()).trim())`

  test("keep a key (a stand-in)", async () => {
    const { env, calls } = standIns({ "systemd-creds": STAND_IN })
    const ctx = newContext(env)
    const file = await initVault(ctx, { kind: "systemd-creds" })
    expect((await unlockVaultKey(ctx, file)).length).toBe(32)
    const [[encrypt], [decrypt]] = calls()
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line)) as [[string[]], [string[]]]
    const user = process.getuid?.() === 0 ? [] : ["--user"]
    expect(encrypt).toEqual(["encrypt", ...user, "--name=nanoguard-vault", "-", "-"])
    expect(decrypt).toEqual(["decrypt", ...user, "--name=nanoguard-vault", "-", "-"])
  })

  test("keep a key (systemd's own)", async (t) => {
    const ctx = newContext()
    const works = spawnSync("systemd-creds", ["encrypt", "--name=x", "-", "-"], { input: "x" }).status === 0
    if (!works) t.skip("systemd-creds does not work here: run as root where systemd 250 is installed")
    const file = await initVault(ctx, { kind: "systemd-creds" })
    expect((await unlockVaultKey(ctx, file)).length).toBe(32)
  })

  test("that are missing, or of another machine, say so", async () => {
    await expect(initVault(newContext({ PATH: "" }), { kind: "systemd-creds" })).rejects.toThrow(
      "did not encrypt the key",
    )
    const ctx = newContext(standIns({ "systemd-creds": STAND_IN }).env)
    const file = await initVault(ctx, { kind: "systemd-creds" })
    const other = { ...ctx, env: { ...ctx.env, PATH: standIns({ "systemd-creds": "process.exit(1)" }).path } }
    await expect(unlockVaultKey(other, file)).rejects.toThrow("did not give the vault's key")
  })
})

test("each protection says what it stops, and what it does not", () => {
  for (const kind of KINDS) {
    const { stops, not, title } = describeProtection(kind)
    expect([stops.length > 0, not.length > 0, title !== ""]).toEqual([true, true, true])
    expect(stops.filter((one) => not.includes(one))).toEqual([])
  }
})
