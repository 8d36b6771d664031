// The vault of a gate: opened, locked, revealed from every source, and told of what others change.
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { removeApprover } from "../../src/approvals/enrol.ts"
import { removeCredential, rotateCredential, setCredential } from "../../src/vault/change.ts"
import { createVaultControl } from "../../src/vault/control.ts"
import { initVault } from "../../src/vault/init.ts"
import { openVault } from "../../src/vault/open.ts"
import type { Source } from "../../src/vault/types.ts"
import { change, newPlace, records } from "../approvals/support.ts"
import { NOW, temporaryDirectory } from "../context.ts"
import { standIns } from "./stand-ins.ts"
import { draft, newVaultPlace, PASSPHRASE, VALUE } from "./support.ts"

/** What was thrown, with all that hangs on it. */
async function thrownBy(work: Promise<unknown>): Promise<{ message: string; whole: string }> {
  const error = (await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )) as Error | undefined
  if (!error) throw new Error("nothing was thrown")
  const { cause, stack } = error
  return { message: error.message, whole: JSON.stringify([error, stack, cause, String(cause)]) }
}

describe("a vault", () => {
  test("gives out what an approver set, and says so by name alone", async (t) => {
    const { set, openVault, store, ana, keys } = await newVaultPlace(t)
    await set()
    const vault = await openVault()
    expect(vault.list()).toMatchObject([{ name: "example", version: 1, by: "ana" }])
    expect(await vault.reveal("example")).toBe(VALUE)
    const placeholder = vault.placeholder("example", "r1")
    expect(vault.identify(placeholder)).toMatchObject({ credential: "example" })
    expect(vault.identify("nothing of ours")).toBeUndefined()
    await rotateCredential(store, "example", { value: "a-newer-Value-91", keys }, ana, NOW, "test")
    await vault.reload()
    expect(await vault.reveal("example")).toBe("a-newer-Value-91")
    expect(vault.placeholder("example", "r1")).toBe(placeholder)
    await removeCredential(store, "example", ana, NOW, "test")
    await vault.reload()
    expect(vault.list()).toEqual([])
    await expect(vault.reveal("example")).rejects.toThrow("no credential of that name")
    const said = (await records(store)).filter(({ kind }) => kind === "credential")
    const change = expect.stringMatching(/^sha256:[0-9a-f]{64}$/)
    expect(said.map(({ type, subject, detail }) => [type, subject, detail])).toEqual([
      ["credential.set", "credential example", { credential: "example", version: 1, source: "value", change }],
      ["credential.rotated", "credential example", { credential: "example", version: 2, source: "value", change }],
      ["credential.removed", "credential example", { credential: "example", version: 2, change }],
    ])
    expect(JSON.stringify(said)).not.toMatch(/\bana\b|newer|Horse/)
  })

  test("seals bodies for one request, and authorities' keys apart from them", async (t) => {
    const { openVault } = await newVaultPlace(t)
    const vault = await openVault()
    const body = Buffer.from("a body that waits")
    const sealed = vault.seal(body, "ap-1")
    expect(sealed.includes(body)).toBe(false)
    expect(vault.open(sealed, "ap-1").equals(body)).toBe(true)
    for (const context of ["ap-2", "ca/ap-1", ""]) expect(() => vault.open(sealed, context)).toThrow("does not open")
    expect(vault.open(vault.seal(new Uint8Array(0), "ap-1"), "ap-1").length).toBe(0)
  })

  test("with a passphrase is locked until somebody has it, and after it is locked again", async (t) => {
    const { ctx, set, openVault, store, ana } = await newVaultPlace(t, { kind: "passphrase", passphrase: PASSPHRASE })
    await set()
    const vault = await openVault()
    expect([vault.locked, vault.status()]).toEqual([
      true,
      expect.objectContaining({ state: "locked", kind: "passphrase" }),
    ])
    expect(vault.list().length).toBe(1)
    const locked = () => {
      expect(() => vault.placeholder("example", "r1")).toThrow("the vault is locked")
      expect(() => vault.identify("x")).toThrow("the vault is locked")
      expect(() => vault.seal(Buffer.of(1), "x")).toThrow("the vault is locked")
      return expect(vault.reveal("example")).rejects.toThrow("the vault is locked")
    }
    await locked()
    await expect(vault.unlock("another passphrase")).rejects.toThrow("does not open the vault")
    await locked()
    await vault.unlock(PASSPHRASE)
    expect(await vault.reveal("example")).toBe(VALUE)
    vault.lock()
    await locked()
    await setCredential(
      store,
      draft({ name: "later", source: { from: "env", name: "LATER" } }),
      undefined,
      ana,
      NOW,
      "test",
    )
    await vault.reload()
    expect([vault.locked, vault.list().length]).toEqual([true, 2])
    // Whoever was about to open it when it was locked, does not.
    const late = vault.unlock(PASSPHRASE)
    vault.lock()
    await expect(late).rejects.toThrow("the vault is locked")
    await locked()
    expect(ctx.out() + ctx.err()).toBe("")
  })

  test("with a key file is locked without it, and opens once it is back; what a person locked stays so", async (t) => {
    const { ctx, set, openVault } = await newVaultPlace(t)
    await set()
    const vault = await openVault()
    vault.lock()
    await vault.reload()
    expect(vault.locked).toBe(true)
    await vault.unlock()
    expect(vault.locked).toBe(false)
    const lost = { ...ctx, env: { ...ctx.env, NANOGUARD_VAULT_KEY: join(temporaryDirectory(), "none") } }
    const other = await openVaultAt(lost, t)
    expect(other.status()).toMatchObject({ state: "locked", trouble: "the vault's key file is not there" })
  })

  test("that nobody made is absent, and there as soon as somebody made it", async (t) => {
    const { ctx, store, people } = await newPlace(async () => ({}), t)
    const vault = await openVault(ctx, store)
    t.onTestFinished(() => vault.close())
    expect([vault.locked, vault.status().state]).toEqual([true, "absent"])
    await expect(vault.unlock()).rejects.toThrow("there is no vault yet")
    await initVault(ctx, { kind: "file" })
    await setCredential(store, draft({ source: { from: "env", name: "X" } }), undefined, people[0]!, NOW, "test")
    await vault.reload()
    expect([vault.locked, vault.list().length]).toEqual([false, 1])
  })

  test("hears of what another process sets", async (t) => {
    const { set, open, openVault } = await newVaultPlace(t)
    const vault = await openVault(await open("another"))
    await set()
    await expect.poll(() => vault.list().length, { timeout: 10_000 }).toBe(1)
    expect(await vault.reveal("example")).toBe(VALUE)
  })

  test("hears that an approver was removed, also where a row far behind the last one stands among them", async (t) => {
    const { set, openVault, store, ana, ben } = await newVaultPlace(t)
    await set({}, VALUE, ben)
    const row = `insert into approvers select 9000, action, name, key, time, "by", signature from approvers where position = 1`
    await store.write({ changes: [change(store, row)] })
    const vault = await openVault()
    expect(vault.list().length).toBe(1)
    await removeApprover(store, "ben", ana, NOW, "test")
    await vault.reload()
    expect(vault.list()).toEqual([])
  })

  test("takes one of two changes that were made at once", async (t) => {
    const { ana, set, openVault } = await newVaultPlace(t)
    const late = { ...ana, sign: (message: string) => set({ name: "one" }).then(() => ana.sign(message)) }
    await expect(set({ name: "two" }, VALUE, late)).rejects.toThrow("somebody else changed the credentials meanwhile")
    expect((await openVault()).list().map(({ name }) => name)).toEqual(["one"])
  })

  test("takes nothing that somebody else's key signed", async (t) => {
    const { ana, ben, set, openVault } = await newVaultPlace(t)
    await expect(set({}, VALUE, { ...ben, name: "ana" } as typeof ana)).rejects.toThrow("not the key that ana enrolled")
    await expect(set({}, VALUE, { ...ben, name: "eve" } as typeof ana)).rejects.toThrow("eve is not an approver")
    expect((await openVault()).list()).toEqual([])
  })

  async function openVaultAt(ctx: Parameters<typeof openVault>[0], t: Parameters<typeof newPlace>[1]) {
    const { store } = await newPlace(async () => ({}), t, [])
    const vault = await openVault(ctx, store)
    t.onTestFinished(() => vault.close())
    return vault
  }
})

describe("the control of a gate's vault", () => {
  test("opens and locks it, one try at a time, and records each", async (t) => {
    const { openVault, store } = await newVaultPlace(t, { kind: "passphrase", passphrase: PASSPHRASE })
    const control = createVaultControl(await openVault(), store, "gw")
    expect(control.status()).toEqual({ state: "locked", kind: "passphrase", credentials: 0, refused: [] })
    const tries = [{ passphrase: "another one" }, { passphrase: PASSPHRASE }].map((body) => control.unlock(body))
    const results = await Promise.allSettled(tries)
    expect(results.map((one) => one.status === "rejected" && one.reason.message)).toEqual([
      "the passphrase does not open the vault",
      "somebody else opens the vault just now",
    ])
    await expect(control.unlock({})).rejects.toThrow("the vault is locked")
    await expect(control.unlock({ passphrase: 7 })).rejects.toThrow("no passphrase")
    await expect(control.unlock({ passphrase: "x".repeat(2000) })).rejects.toThrow("no passphrase")
    expect(await control.unlock({ passphrase: PASSPHRASE })).toMatchObject({ state: "open" })
    expect(await control.lock()).toMatchObject({ state: "locked" })
    const said = (await records(store)).filter(({ type }) => type.startsWith("configuration.vault"))
    expect(said.map(({ type, outcome }) => [type, outcome])).toEqual([
      ["configuration.vault-refused", "refused"],
      ["configuration.vault-refused", "refused"],
      ["configuration.vault-unlocked", undefined],
      ["configuration.vault-locked", undefined],
    ])
    const bodies = await store.db.selectFrom("events").select("body").execute()
    expect(JSON.stringify(bodies)).not.toMatch(/passphrase|another one/)
  })
})

describe("a source", () => {
  test("is asked each time; what goes wrong never shows what was read", async (t) => {
    const { ctx, set, openVault } = await newVaultPlace(t)
    const directory = temporaryDirectory({ value: `${VALUE}\n`, empty: "", large: "x".repeat(70_000) })
    const { path } = standIns({
      op: `process.stdout.write(process.argv[4] === "op://dev/a b/token" ? "${VALUE}" : ""); process.exit(process.argv[4].includes("none") ? 1 : 0)`,
      pass: `if (process.argv[3] !== "work/key") { console.error("${VALUE}"); process.exit(1) } console.log("${VALUE}\\nuser: ana")`,
      leaky: `console.log("${VALUE}"); console.error("${VALUE}"); process.exit(3)`,
      loud: `process.stdout.write("${VALUE}".repeat(10000))`,
      words: `process.stdout.write(process.argv.slice(2).join("|"))`,
    })
    Object.assign(ctx.env, { PATH: path, HAVE: VALUE, MULTI: `${VALUE}\nmore` })
    const cases: [Source, string][] = [
      [{ from: "env", name: "HAVE" }, VALUE],
      [{ from: "file", path: join(directory, "value") }, VALUE],
      [{ from: "1password", reference: "op://dev/a b/token" }, VALUE],
      [{ from: "pass", entry: "work/key" }, VALUE],
      [{ from: "command", command: ["words", "two words", "$(id)", "a;b"] }, "two words|$(id)|a;b"],
    ]
    const bad: [Source, RegExp][] = [
      [{ from: "env", name: "NONE" }, /the variable NONE is not set/],
      [{ from: "env", name: "MULTI" }, /a line end or another character/],
      [{ from: "file", path: join(directory, "none") }, /cannot be read \(ENOENT\)/],
      [{ from: "file", path: directory }, /is no file/],
      [{ from: "file", path: join(directory, "empty") }, /shorter than 8/],
      [{ from: "file", path: join(directory, "large") }, /larger than 65536/],
      [{ from: "1password", reference: "op://none/x/y" }, /ended with 1/],
      [{ from: "pass", entry: "other" }, /ended with 1/],
      [{ from: "command", command: ["leaky"] }, /ended with 3/],
      [{ from: "command", command: ["loud"] }, /missing, said too much or took too long/],
      [{ from: "command", command: ["not-there"] }, /missing, said too much or took too long/],
    ]
    for (const [i, [source]] of [...cases, ...bad].entries()) await set({ name: `s${i}`, source }, "")
    const vault = await openVault()
    for (const [i, [, value]] of cases.entries()) expect(await vault.reveal(`s${i}`)).toBe(value)
    for (const [i, [source, why]] of bad.entries()) {
      const { message, whole } = await thrownBy(vault.reveal(`s${cases.length + i}`))
      expect(message, JSON.stringify(source)).toMatch(why)
      expect(whole).not.toContain(VALUE.slice(0, 12))
    }
    writeFileSync(join(directory, "value"), "another-Value-5512")
    expect(await vault.reveal("s1")).toBe("another-Value-5512")
  })

  test("that is a program is asked once for all that wait, and again half a minute later", async (t) => {
    const { ctx, set, store } = await newVaultPlace(t)
    const { path, calls } = standIns({ once: `process.stdout.write("${VALUE}"); if (process.argv[2]) process.exit(1)` })
    Object.assign(ctx.env, { PATH: path })
    let now = NOW
    await set({ source: { from: "command", command: ["once"] } }, "")
    await set({ name: "fails", source: { from: "command", command: ["once", "1"] } }, "")
    const vault = await openVault({ ...ctx, now: () => now }, store)
    t.onTestFinished(() => vault.close())
    const asked = () => calls().split("\n").length - 1
    await Promise.all(Array.from({ length: 20 }, () => vault.reveal("example")))
    now += 29_000
    expect([await vault.reveal("example"), asked()]).toEqual([VALUE, 1])
    now += 2000
    expect([await vault.reveal("example"), asked()]).toEqual([VALUE, 2])
    vault.lock()
    await vault.unlock()
    expect([await vault.reveal("example"), asked()]).toEqual([VALUE, 3])
    // What failed is tried again at once.
    for (let i = 0; i < 2; i++) await expect(vault.reveal("fails")).rejects.toThrow("ended with 1")
    expect(asked()).toBe(5)
  })

  test("of a canary there is none", async (t) => {
    const { set, openVault } = await newVaultPlace(t)
    await set({ name: "bird", canary: true, reach: { hosts: ["canary.invalid"] } }, "")
    const vault = await openVault()
    await expect(vault.reveal("bird")).rejects.toThrow("is a canary")
    expect(vault.identify(vault.placeholder("bird", "r1"))).toMatchObject({ credential: "bird" })
  })
})

test("any text that a slot can carry comes back as it was", async (t) => {
  const { set, openVault } = await newVaultPlace(t)
  const vault = await openVault()
  const texts = fc.string({ minLength: 8, maxLength: 200, unit: "grapheme" }).filter((text) => !text.includes("\0"))
  await fc.assert(
    fc.asyncProperty(texts, async (text) => {
      await set({ slot: { in: "body", field: "token" } }, text)
      await vault.reload()
      expect(await vault.reveal("example")).toBe(text)
    }),
    { numRuns: 15 },
  )
})
