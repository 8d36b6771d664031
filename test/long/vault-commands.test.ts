// `nanoguard secret`: what it takes, what it says, and what it never repeats.
import { readdirSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { Readable } from "node:stream"
import { describe, expect, test } from "vitest"
import { type SetOptions, secretList, secretRemove, secretRotate, secretSet } from "../../src/commands/secret.ts"
import { secretCanary } from "../../src/commands/secret-canary.ts"
import { readDraft } from "../../src/commands/secret-draft.ts"
import { secretInit, secretLock, secretUnlock } from "../../src/commands/secret-vault.ts"
import { EXIT, type NanoguardError } from "../../src/errors.ts"
import { openVault } from "../../src/vault/open.ts"
import { PRESETS } from "../../src/vault/presets.ts"
import { parseSlot } from "../../src/vault/slot-text.ts"
import { checkValue } from "../../src/vault/value.ts"
import { newDesk } from "../commands/approvals.ts"
import { temporaryDirectory, testContext } from "../context.ts"
import { VALUE } from "../vault/support.ts"

const SIGNED = { as: "ana", passphraseFile: "pass.txt" }

/** A desk at which ana may sign, and nothing of a desktop is there. */
async function newSecretDesk() {
  const desk = newDesk({ "vault.txt": "the vault's own passphrase\n", "value.txt": `${VALUE}\n` })
  await desk.enrol("ana")
  desk.env["PATH"] = ""
  /** A context whose stdin holds `input`. */
  const at = (input = "") => {
    const ctx = testContext(desk.cwd, { env: desk.env })
    return Object.assign(ctx, { stdin: Readable.from(input === "" ? [] : [Buffer.from(input)]) })
  }
  const set = (name: string, options: SetOptions, input = "") =>
    secretSet(at(input), name, [], { ...SIGNED, ...options })
  const reveal = async (name: string) => {
    const vault = await openVault(at(), await desk.open())
    try {
      return await vault.reveal(name)
    } finally {
      vault.close()
    }
  }
  return { ...desk, at, set, reveal }
}

/** The error that a command ends with, and all that is printed of it. */
async function failed(work: Promise<unknown>): Promise<NanoguardError & { printed: string }> {
  const error = (await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )) as NanoguardError | undefined
  if (!error) throw new Error("it did not fail")
  return Object.assign(error, { printed: `${error.message} ${error.hint} ${error.where?.file}` })
}

/** Every byte below a directory, as one text. */
function bytesBelow(directory: string): string {
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .map((name) => join(directory, name))
    .filter((file) => statSync(file).isFile())
    .map((file) => readFileSync(file, "latin1"))
    .join("\n")
}

describe("secret set", () => {
  test("takes a value from stdin or a file, and shows all but the value", async () => {
    const { at, set, reveal, env } = await newSecretDesk()
    const ctx = at(`${VALUE}\n`)
    const { report } = await secretSet(ctx, "billing", [], {
      ...SIGNED,
      ...{
        host: ["api.example.com"],
        method: ["get"],
        path: ["/v1/**"],
        agent: ["claude-1"],
        slot: "header:X-Api-Key",
      },
      ...{ stdin: true },
    })
    expect(report).toMatchObject({ state: "set", vault: "file", credential: { version: 1, slot: "header:x-api-key" } })
    expect(ctx.out()).toBe(
      "billing is set (version 1), signed by ana\n" +
        "  goes to api.example.com GET /v1/** for claude-1, as header:x-api-key\n" +
        "  a vault was made for it, its key under: file (see docs/vault.md)\n",
    )
    expect(await reveal("billing")).toBe(VALUE)
    await set("other", { host: ["api.example.com"], slot: "bearer", file: "value.txt", format: "json" })
    expect(await reveal("other")).toBe(VALUE)
    const list = at()
    expect((await secretList(list)).exit).toBe(EXIT.ok)
    expect(
      list
        .out()
        .split("\n")
        .map((line) => line.split(/ {2,}/)),
    ).toEqual([
      [
        "billing",
        "api.example.com GET /v1/** for claude-1",
        "header:x-api-key",
        "vault",
        "v1",
        "ana",
        "2026-11-21 00:00",
      ],
      ["other", "api.example.com", "bearer", "vault", "v1", "ana", "2026-11-21 00:00"],
      [""],
    ])
    const below = bytesBelow(env["HOME"]!)
    for (const form of [VALUE, Buffer.from(VALUE).toString("base64").slice(0, 24), Buffer.from(VALUE).toString("hex")])
      expect(below.includes(form)).toBe(false)
  })

  test("refuses a value on the command line, and repeats none of it", async () => {
    const { at, set } = await newSecretDesk()
    const token = "ghp_16C7e42F292c6912E7710c838347Ae178B4a"
    const attempts = [
      secretSet(at(), "github", [token], { ...SIGNED, for: "github" }),
      secretSet(at(), token, [], { ...SIGNED, for: "github" }),
      secretRotate(at(), "github", [token], SIGNED),
      secretCanary(at(), "bird", [token], SIGNED),
      set("github", { for: "github", from: token }),
      set("github", { for: "github", from: `value:${token}` }),
      set("github", { host: ["api.github.com"], slot: token }),
      set("github", { host: ["api.github.com"], slot: `header:${token}:${token}\n` }),
      set("github", { host: [`https://x:${token}@api.github.com`], slot: "bearer" }),
      set("github", { for: "github", shape: token }),
    ]
    for (const attempt of attempts) {
      const error = await failed(attempt)
      expect(error.exit).toBe(EXIT.usage)
      expect(error.printed).not.toContain(token.slice(0, 12))
    }
  })

  test("says what is wrong with a value without showing it", async () => {
    const { set } = await newSecretDesk()
    const cases: [string, string, string][] = [
      ["bearer", "7 chars", "shorter than 8 characters"],
      ["bearer", "two\nlines-of-text", "a line end or another character"],
      ["bearer", " spaced-value-1 ", "begins or ends with a space"],
      ["cookie:sid", 'a";secret-cookie', "no cookie can carry"],
      ["aws", "AKIAIOSFODNN7EXAMPLE", "it is not <access key id>:<secret key>"],
      ["oauth-client:https://login.example.com/token", "no-colon-here", "<client id>:<client secret>"],
      ["path", "a/segment/of-two", "no segment of a path"],
      ["form:token", "x".repeat(66_000), "larger than 65536 bytes"],
      ["form:token", "a\0nul-in-the-text", "no text"],
      ["form:token", "\ud800 half a pair", "no text"],
    ]
    for (const [slot, value, why] of cases) {
      expect(checkValue(value, parseSlot(slot))).toContain(why)
      expect(checkValue(value, parseSlot(slot))).not.toContain(value.slice(0, 12))
    }
    expect(checkValue(`AKIA${"A".repeat(16)}:${"b".repeat(40)}:session+token/==`, { in: "aws" })).toBeUndefined()
    const options = { host: ["api.example.com"], slot: "bearer", stdin: true }
    const short = await failed(set("one", options, "7 chars"))
    expect([short.message, short.printed.includes("7 chars")]).toEqual([
      "the value of one cannot be used: it is shorter than 8 characters",
      false,
    ])
    expect((await failed(set("one", options, "x".repeat(66_000)))).message).toBe("stdin holds too much to be a value")
    const two = await failed(
      set("one", { host: ["api.example.com"], slot: "bearer", from: "env:A", stdin: true }, VALUE),
    )
    expect(two.message).toBe("a value has one source")
    const bare = await failed(set("one", { host: ["api.example.com"], slot: "bearer" }))
    expect([bare.exit, bare.message]).toEqual([EXIT.usage, "a value is needed, and this is no terminal"])
  })

  test.each([
    [{ slot: "bearer" }, "where may it go?"],
    [{ host: ["api.example.com"] }, "the slot is missing: where in a request does the key stand?"],
    [{ host: ["**"], slot: "bearer" }, "** would let it go anywhere"],
    [{ host: ["*.co.uk"], slot: "bearer" }, "anybody can have a host"],
    [{ host: ["**.com"], slot: "bearer" }, "anybody can have a host"],
    [{ host: ["*.github.io"], slot: "bearer" }, "anybody can have a host"],
    [{ host: ["**.amazonaws.com"], slot: "bearer" }, "anybody can have a host"],
    [{ host: ["https://api.example.com"], slot: "bearer" }, "without scheme, port or path"],
    [{ host: ["api.example.com:8443"], slot: "bearer" }, "without scheme, port or path"],
    [{ host: ["a*.example.com"], slot: "bearer" }, "without scheme, port or path"],
    [{ host: [], slot: "bearer" }, "at least one host"],
    [{ host: ["api.example.com"], slot: "bearer", path: ["v1"] }, "paths that start with /"],
    [{ host: ["api.example.com"], slot: "bearer", path: ["/a/../b"] }, "paths that start with /"],
    [{ host: ["api.example.com"], slot: "bearer", method: ["G ET"] }, "reach.methods: wants an upper-case method"],
    [{ host: ["api.example.com"], slot: "bearer", agent: ["a b"] }, "reach.agents: wants the name of an agent"],
    [{ host: ["api.example.com"], slot: "header:Host" }, "slot.name: this header carries the message itself"],
    [{ host: ["api.example.com"], slot: "header:transfer-encoding" }, "carries the message itself"],
    [{ host: ["api.example.com"], slot: "header:a b" }, "slot.name: wants the name of a header"],
    [{ host: ["api.example.com"], slot: "query:a&b" }, "slot.name"],
    [{ host: ["api.example.com"], slot: "body:token" }, "slot.pointer: wants a JSON pointer"],
    [{ host: ["api.example.com"], slot: "elsewhere" }, "--slot is none"],
    [
      { host: ["api.example.com"], slot: "oauth-client:http://login.example.com/t" },
      "slot.tokenUrl: wants an https address",
    ],
    [{ host: ["api.example.com"], slot: "bearer", from: "env:A B" }, "source.name: wants the name of a variable"],
    [{ host: ["api.example.com"], slot: "bearer", from: "pass:-c" }, "source.entry"],
    [{ host: ["api.example.com"], slot: "bearer", from: "command:'open" }, "a quote that does not end"],
    [{ host: ["api.example.com"], slot: "bearer", env: ["A-B"] }, "env"],
  ] as [SetOptions, string][])("refuses %j", async (options, why) => {
    const error = await failed(readDraft({ cwd: "/project" }, "one", { from: "env:TOKEN", ...options }))
    expect([error.exit, error.printed]).toEqual([EXIT.usage, expect.stringContaining(why)])
  })

  test("knows what is usual for a service", async () => {
    const drafts = await Promise.all(
      PRESETS.map((service) => readDraft({ cwd: "/project" }, service, { for: service })),
    )
    expect(drafts.find(({ name }) => name === "anthropic")).toEqual({
      ...{ name: "anthropic", reach: { hosts: ["api.anthropic.com"] }, slot: { in: "header", name: "x-api-key" } },
      ...{ source: { from: "value" }, shape: "anthropic", env: ["ANTHROPIC_API_KEY"] },
    })
    const own = await readDraft({ cwd: "/project" }, "ghe", {
      for: "github",
      host: ["github.example.com"],
      path: ["/api/**"],
    })
    expect(own).toMatchObject({ reach: { hosts: ["github.example.com"], paths: ["/api/**"] }, shape: "github" })
  })

  test("takes a placeholder's shape from the value", async () => {
    const { set, at } = await newSecretDesk()
    await set("a", { for: "github", stdin: true }, "github_pat_11ABCDEFG0abcdefghijkl_mnopqrstuvwxyz0123456789")
    await set("b", { host: ["api.example.com"], slot: "bearer", stdin: true, shape: "uuid" }, VALUE)
    const { report } = await secretList(at())
    expect(report.credentials.map(({ shape }) => shape)).toEqual(["github-pat", "uuid"])
  })
})

describe("secret rotate and remove", () => {
  test("change the value alone, and end it", async () => {
    const { at, set, reveal } = await newSecretDesk()
    await set("one", { host: ["api.example.com"], slot: "bearer", stdin: true }, VALUE)
    const rotated = await secretRotate(at("a-newer-Value-91"), "one", [], { ...SIGNED, stdin: true })
    expect(rotated.report).toMatchObject({ state: "rotated", credential: { version: 2, hosts: ["api.example.com"] } })
    expect(await reveal("one")).toBe("a-newer-Value-91")
    expect((await failed(secretRotate(at("a-newer-Value-91"), "none", [], { ...SIGNED, stdin: true }))).exit).toBe(
      EXIT.findings,
    )
    await set("two", { host: ["api.example.com"], slot: "bearer", from: "env:TOKEN" })
    expect((await failed(secretRotate(at(), "two", [], { ...SIGNED, stdin: true }))).message).toContain(
      "does not keep the value",
    )
    expect((await failed(secretRemove(at(), "one", SIGNED))).exit).toBe(EXIT.usage)
    expect((await secretRemove(at(), "one", { ...SIGNED, yes: true })).exit).toBe(EXIT.ok)
    expect((await failed(secretRemove(at(), "one", { ...SIGNED, yes: true }))).exit).toBe(EXIT.findings)
    await expect(reveal("one")).rejects.toThrow("no credential of that name")
    const list = at()
    await secretList(list)
    expect(list.out()).not.toContain("one ")
  })

  test("want the signature of an approver", async () => {
    const { set } = await newSecretDesk()
    const options = { host: ["api.example.com"], slot: "bearer", from: "env:TOKEN" }
    expect((await failed(set("one", { ...options, as: "eve" }))).message).toBe("eve is not an approver")
    expect((await failed(set("one", { ...options, passphraseFile: "other.txt" }))).message).toContain(
      "not that of ana's key",
    )
  })
})

describe("the vault", () => {
  test("is made as somebody chooses, and says what that stops", async () => {
    const { at, set, cwd } = await newSecretDesk()
    const made = at()
    await secretInit(made, { key: "passphrase", newPassphraseFile: "vault.txt" })
    expect(made.out()).toContain("The vault is made. Its key is under a passphrase (scrypt, 128 MiB a guess)")
    expect(made.out()).toContain("the gate needs you: nanoguard secret unlock")
    const options = { host: ["api.example.com"], slot: "bearer", stdin: true }
    expect((await failed(set("one", options, VALUE))).hint).toContain("--vault-passphrase-file")
    expect((await failed(set("one", { ...options, vaultPassphraseFile: "other.txt" }, VALUE))).exit).toBe(EXIT.findings)
    await set("one", { ...options, vaultPassphraseFile: "vault.txt" }, VALUE)
    expect((await failed(secretInit(at(), { key: "file" }))).message).toBe("there is a vault already")
    const elsewhere = join(temporaryDirectory(), "vault.key")
    const moved = await secretInit(at(), { keyFile: elsewhere, replace: true, vaultPassphraseFile: "vault.txt" })
    expect(moved.report).toMatchObject({ state: "moved", keyFile: elsewhere, protection: { kind: "file" } })
    await set("two", options, VALUE)
    const inside = secretInit(at(), { keyFile: join(cwd, "vault.key"), replace: true })
    expect((await failed(inside)).message).toContain("would be in this directory")
    expect((await failed(secretInit(at(), { key: "passphrase", keyFile: elsewhere, replace: true }))).exit).toBe(
      EXIT.usage,
    )
  })

  test("is unlocked and locked in a gate that runs", async () => {
    const { at } = await newSecretDesk()
    expect((await failed(secretUnlock(at()))).message).toBe("there is no vault yet")
    await secretInit(at(), { key: "file" })
    for (const work of [secretUnlock, secretLock])
      expect(await failed(work(at()))).toMatchObject({ exit: EXIT.environment, message: "no gateway is running here" })
  })
})

test("a canary is a credential that nobody may use, and its placeholder is shown", async () => {
  const { at, reveal, open } = await newSecretDesk()
  const ctx = at()
  const { report } = await secretCanary(ctx, "old-deploy-key", [], { ...SIGNED, shape: "github" })
  expect(ctx.out().split("\n")[1]).toBe(`  plant this: ${report.placeholder}`)
  expect(report.placeholder).toMatch(/^ghp_[A-Za-z0-9]{36}$/)
  const vault = await openVault(at(), await open())
  expect(vault.identify(report.placeholder!)).toMatchObject({ credential: "old-deploy-key" })
  expect(vault.list()[0]).toMatchObject({ canary: true, reach: { hosts: ["canary.invalid"] } })
  vault.close()
  await expect(reveal("old-deploy-key")).rejects.toThrow("is a canary")
})
