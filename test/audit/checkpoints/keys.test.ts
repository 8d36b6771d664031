import { spawn } from "node:child_process"
import { chmodSync, chownSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import {
  loadLogKey,
  loadOrCreateCommitKey,
  loadOrCreateKeyFile,
  loadOrCreateLogKey,
  readKeyFile,
} from "../../../src/audit/checkpoints/keys.ts"
import { formatVerifier, signNote, verifyNote } from "../../../src/audit/checkpoints/note.ts"
import { temporaryDirectory } from "../../context.ts"
import { openssl } from "../openssl.ts"

const mode = (path: string): number => statSync(path).mode & 0o777

describe("the keys of a log", () => {
  it("are made once, for this user alone, and are the same from then on", () => {
    const directory = join(temporaryDirectory(), "state", "deeper")
    expect(loadLogKey(directory, "nanoguard/x")).toBeUndefined()
    const made = loadOrCreateLogKey(directory, "nanoguard/x")
    const commit = loadOrCreateCommitKey(directory)
    expect(commit).toHaveLength(32)
    expect(loadOrCreateCommitKey(directory)).toEqual(commit)
    expect(formatVerifier(loadOrCreateLogKey(directory, "nanoguard/x"))).toBe(formatVerifier(made))
    expect(verifyNote(signNote("x\n", [made]), [loadLogKey(directory, "nanoguard/x")!]).text).toBe("x\n")
    expect(readdirSync(directory).sort()).toEqual(["commit.key", "log.key"])
    expect([mode(directory), mode(join(directory, "log.key")), mode(join(directory, "commit.key"))]).toEqual([
      0o700, 0o600, 0o600,
    ])
  })

  it("are read by openssl", async (ctx) => {
    const directory = temporaryDirectory()
    chmodSync(directory, 0o700)
    loadOrCreateLogKey(directory, "nanoguard/x")
    const { stdout } = await openssl(ctx, directory, ["pkey", "-in", "log.key", "-text", "-noout"])
    expect(stdout).toContain("ED25519 Private-Key")
  })

  it("are the same for processes that come at once", async () => {
    const directory = join(temporaryDirectory(), "state")
    const module = new URL("../../../src/audit/checkpoints/keys.ts", import.meta.url).href
    const script = `
      const { loadOrCreateCommitKey } = await import(${JSON.stringify(module)})
      process.stdin.once("data", () => {
        process.stdout.write(loadOrCreateCommitKey(${JSON.stringify(directory)}).toString("hex"))
        process.exit()
      })
      process.stdout.write("ready\\n")`
    const processes = Array.from({ length: 6 }, () => {
      const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
        stdio: ["pipe", "pipe", "inherit"],
      })
      const text = { out: "" }
      const ready = new Promise<void>((resolve) => {
        child.stdout.on("data", (chunk) => {
          text.out += String(chunk)
          if (text.out.startsWith("ready\n")) resolve()
        })
      })
      const end = new Promise<void>((resolve) => child.on("close", () => resolve()))
      return { child, text, ready, end }
    })
    await Promise.all(processes.map(({ ready }) => ready))
    for (const { child } of processes) child.stdin.write("go\n")
    await Promise.all(processes.map(({ end }) => end))
    const keys = new Set(processes.map(({ text }) => text.out))
    expect([...keys]).toEqual([expect.stringMatching(/^ready\n[0-9a-f]{64}$/)])
    expect(readdirSync(directory)).toEqual(["commit.key"])
  })

  it("are what came first, when another process comes between", () => {
    const directory = join(temporaryDirectory(), "state")
    const path = join(directory, "x.key")
    const late = loadOrCreateKeyFile(path, () => {
      loadOrCreateKeyFile(path, () => Buffer.from("first"))
      return Buffer.from("second")
    })
    expect(String(late)).toBe("first")
    expect(readdirSync(directory)).toEqual(["x.key"])
  })
})

describe("a key file is refused", () => {
  function place(make: (path: string, directory: string) => void): string {
    const directory = join(temporaryDirectory(), "state")
    mkdirSync(directory, { mode: 0o700 })
    make(join(directory, "log.key"), directory)
    return directory
  }
  const load = (directory: string) => () => loadOrCreateLogKey(directory, "nanoguard/x")
  const error = (message: string) => expect.objectContaining({ exit: 5, message: expect.stringContaining(message) })

  it.each([0o640, 0o604, 0o620, 0o666])("that others may read or change: %o", (bits) => {
    const directory = place((path) => writeFileSync(path, "key"))
    chmodSync(join(directory, "log.key"), bits)
    expect(load(directory)).toThrow(error("log.key may be read or changed by others"))
  })

  it("that is a link, a directory, empty, too large or no key", () => {
    const elsewhere = temporaryDirectory({ key: "key" })
    chmodSync(join(elsewhere, "key"), 0o600)
    expect(load(place((path) => symlinkSync(join(elsewhere, "key"), path)))).toThrow(error("is a symbolic link"))
    expect(load(place((path) => mkdirSync(path)))).toThrow(error("is not a file"))
    expect(load(place((path) => writeFileSync(path, "", { mode: 0o600 })))).toThrow(error("is empty or too large"))
    expect(load(place((path) => writeFileSync(path, "x".repeat(5000), { mode: 0o600 })))).toThrow(
      error("is empty or too large"),
    )
    const torn = place((path) => writeFileSync(path, "-----BEGIN PRIVATE KEY-----\nMC4", { mode: 0o600 }))
    expect(load(torn)).toThrow(error("is not an Ed25519 key in PKCS #8 PEM"))
    const short = place((path) => writeFileSync(path.replace("log", "commit"), "x", { mode: 0o600 }))
    expect(() => loadOrCreateCommitKey(short)).toThrow(error("does not hold 32 bytes"))
  })

  it("in a directory that others may change", () => {
    const directory = place(() => {})
    chmodSync(directory, 0o770)
    expect(load(directory)).toThrow(error("state may be changed by others"))
    expect(readdirSync(directory)).toEqual([])
  })

  it("or directory of another user", (ctx) => {
    if (process.getuid?.() !== 0) return ctx.skip("root is missing: run this test as root")
    const directory = place((path) => writeFileSync(path, "key", { mode: 0o600 }))
    chownSync(join(directory, "log.key"), 65534, 65534)
    expect(load(directory)).toThrow(error("log.key belongs to another user"))
    expect(() => readKeyFile(join(directory, "log.key"))).toThrow(error("belongs to another user"))
    chownSync(directory, 65534, 65534)
    expect(load(directory)).toThrow(error("state belongs to another user"))
  })

  it("where none can be made", () => {
    const file = join(temporaryDirectory({ file: "" }), "file")
    expect(load(join(file, "state"))).toThrow(error("log.key cannot be made: ENOTDIR"))
  })
})
