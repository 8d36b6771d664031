// Whoever may write the store or vault.json, and is no approver: nothing comes into force, nothing opens for something else.
import { chmodSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { describe, expect, onTestFinished, type TestContext as TestContextOfVitest, test } from "vitest"
import { removeApprover } from "../../src/approvals/enrol.ts"
import { canonicalText } from "../../src/audit/sealing/canonical.ts"
import { stateHome } from "../../src/home.ts"
import { changeMessage, readChain } from "../../src/vault/chain.ts"
import { removeCredential, rotateCredential } from "../../src/vault/change.ts"
import { unlockVaultKey } from "../../src/vault/unlock.ts"
import { readVaultFile, vaultPath } from "../../src/vault/vault-file.ts"
import { NOW, type TestContext } from "../context.ts"
import { newVaultPlace, PASSPHRASE, VALUE } from "../vault/support.ts"

/** Changes the store's file as somebody with another program would, past the triggers, and beside a store that is at work. */
function tamper(ctx: TestContext, ...statements: string[]) {
  const db = new DatabaseSync(join(stateHome(ctx), "record.db"), { timeout: 5000 })
  for (const trigger of ["update", "delete", "insert"]) db.exec(`drop trigger if exists credentials_${trigger}`)
  for (const statement of statements) db.exec(statement)
  db.close()
}

const COLUMNS: [string, string][] = [
  ["name", "'other'"],
  ["action", "'remove'"],
  ["credential", "replace(credential, 'api.example.com', 'evil.example.com')"],
  ["credential", `replace(credential, '"in":"bearer"', '"in":"path"')`],
  ["credential", `replace(credential, '"version":1', '"version":2')`],
  ["credential", `replace(credential, '{', '{ ')`],
  ["credential", "''"],
  ["sealed", "(select sealed from credentials where position = 1)"],
  ["sealed", "substr(sealed, 1, length(sealed) - 4) || 'AAA='"],
  ["sealed", "''"],
  ["sealed", "hex(zeroblob(200000))"],
  ["credential", "hex(zeroblob(200000))"],
  ["signature", "hex(zeroblob(200000))"],
  ["time", "time + 1"],
  ["by", "'ben'"],
  ["signature", "(select signature from credentials where position = 1)"],
  ["signature", "'ed25519:AAAA'"],
]

describe("a row of the store", () => {
  test("whose columns are changed is not in force, one by one, until an approver sets it again", async (t) => {
    const { ctx, set, openVault } = await newVaultPlace(t)
    await set({ name: "second", reach: { hosts: ["second.example.com"] } }, "another-Value-8812")
    const names = COLUMNS.map((_, i) => `c${i}`)
    for (const name of names) await set({ name })
    // The row of c<i> is at position i + 2.
    tamper(
      ctx,
      ...COLUMNS.map(([column, value], i) => `update credentials set "${column}" = ${value} where position = ${i + 2}`),
    )
    const vault = await openVault()
    expect(vault.list().map(({ name }) => name)).toEqual(["second"])
    expect(await vault.reveal("second")).toBe("another-Value-8812")
    for (const [i, name] of names.entries()) {
      const what = COLUMNS[i]!.join(" = ")
      await expect(vault.reveal(name), what).rejects.toThrow(/not in force|no credential/)
      expect(() => vault.placeholder(name, "r1"), what).toThrow(/not in force|no credential/)
    }
    await set({ name: "c2" })
    await vault.reload()
    expect(await vault.reveal("c2")).toBe(VALUE)
  })

  test("that nobody signed puts nothing into force, and takes what was there out of it", async (t) => {
    const { ctx, set, openVault } = await newVaultPlace(t)
    await set()
    const wide = `replace(credential, 'api.example.com', 'evil.example.com')`
    tamper(
      ctx,
      `insert into credentials select 2, name, action, ${wide}, sealed, time, "by", signature from credentials`,
      `insert into credentials select 3, 'made', action, replace(credential, '"example"', '"made"'), sealed, time, "by", signature from credentials where position = 1`,
    )
    const vault = await openVault()
    expect(vault.list()).toEqual([])
    expect(vault.status().refused.map(({ name }) => name)).toEqual(["example", "made"])
    await expect(vault.reveal("example")).rejects.toThrow("was signed by no approver")
  })

  test("that was signed once does not come back in another place", async (t) => {
    const { ctx, ana, set, openVault, store } = await newVaultPlace(t)
    await set()
    await set({ reach: { hosts: ["narrow.example.com"], methods: ["GET"] } })
    tamper(
      ctx,
      `insert into credentials select 3, name, action, credential, sealed, time, "by", signature from credentials where position = 1`,
    )
    const vault = await openVault()
    await expect(vault.reveal("example")).rejects.toThrow("not in force")
    await removeCredential(store, "example", ana, NOW, "test")
    tamper(
      ctx,
      `insert into credentials select 5, name, action, credential, sealed, time, "by", signature from credentials where position = 2`,
    )
    await vault.reload()
    await expect(vault.reveal("example")).rejects.toThrow("not in force")
  })

  test("that is cut off does not bring back what it replaced, for a gate that saw it", async (t) => {
    const { ctx, ana, keys, set, openVault, store } = await newVaultPlace(t)
    await set()
    await rotateCredential(store, "example", { value: "a-newer-Value-91", keys }, ana, NOW, "test")
    const vault = await openVault()
    expect(await vault.reveal("example")).toBe("a-newer-Value-91")
    tamper(ctx, "delete from credentials where position = 2")
    await vault.reload()
    await expect(vault.reveal("example")).rejects.toThrow("missing from the store")
  })

  test.each<[string, (place: Awaited<ReturnType<typeof newVaultPlace>>) => Promise<unknown>]>([
    [
      "a rotation",
      ({ store, ana, keys }) =>
        rotateCredential(store, "example", { value: "a-newer-Value-91", keys }, ana, NOW, "test"),
    ],
    ["a removal", ({ store, ana }) => removeCredential(store, "example", ana, NOW, "test")],
  ])("that is cut off while no gate runs brings nothing back, by the record: %s", async (_, change) => {
    for (const running of [true, false]) {
      const place = await newVaultPlace({ onTestFinished } as TestContextOfVitest)
      const { ctx, set, openVault } = place
      await set()
      await set({ name: "other" })
      await change(place)
      const seen = running ? await openVault() : undefined
      tamper(ctx, "delete from credentials where position = 3")
      await seen?.reload()
      const vault = seen ?? (await openVault())
      expect(vault.status().refused).toEqual([
        { name: "example", why: expect.stringContaining("missing from the store") },
      ])
      await expect(vault.reveal("example")).rejects.toThrow("missing from the store")
      expect(await vault.reveal("other")).toBe(VALUE)
      // Neither by another change, nor by the next start.
      await set({ name: "third" })
      await vault.reload()
      await expect(vault.reveal("example")).rejects.toThrow("missing from the store")
      await expect((await openVault()).reveal("example")).rejects.toThrow("missing from the store")
      await set({}, "set-Anew-4471")
      await vault.reload()
      expect(await vault.reveal("example")).toBe("set-Anew-4471")
      expect(await (await openVault()).reveal("example")).toBe("set-Anew-4471")
    }
  })

  test("whose value was sealed for something else is refused, even where an approver signs it", async (t) => {
    const { ana, set, openVault, store } = await newVaultPlace(t)
    const narrow = await set()
    const { sealed, ...row } = await store.db.selectFrom("credentials").selectAll().executeTakeFirstOrThrow()
    const last = (await readChain(store.db)).byName.get("example")!.last
    const wide = canonicalText({ ...narrow, version: 2, reach: { hosts: ["*.example.org"] } })
    const change = { ...row, credential: wide, sealed }
    const signature = await ana.sign(changeMessage(last, change))
    await store.write({
      changes: [
        store.db
          .insertInto("credentials")
          .values({ ...change, position: 2, signature })
          .compile(),
      ],
    })
    const vault = await openVault()
    expect(vault.list()).toEqual([])
    await expect(vault.reveal("example")).rejects.toThrow("its value was changed, or encrypted by another vault")
  })

  test("by an approver who was removed is not in force, and what it replaced does not come back", async (t) => {
    const { ana, ben, set, openVault, store } = await newVaultPlace(t)
    await set()
    const vault = await openVault()
    await set({ reach: { hosts: ["two.example.com"] } }, VALUE, ben)
    await vault.reload()
    expect(vault.list()[0]?.by).toBe("ben")
    await removeApprover(store, "ben", ana, NOW, "test")
    await vault.reload()
    await expect(vault.reveal("example")).rejects.toThrow("ben set it, and is no approver any more")
    await set({ reach: { hosts: ["two.example.com"] } })
    await vault.reload()
    expect(vault.list()[0]).toMatchObject({ by: "ana", version: 3 })
  })

  test("of another vault's is refused", async (t) => {
    const place = await newVaultPlace(t)
    const other = await newVaultPlace(t)
    await place.set({}, VALUE)
    writeFileSync(vaultPath(place.ctx), readFileSync(vaultPath(other.ctx)))
    const key = (ctx: TestContext) => join(ctx.env["NANOGUARD_HOME"]!, "config", "vault.key")
    writeFileSync(key(place.ctx), readFileSync(key(other.ctx)))
    const vault = await place.openVault()
    expect(vault.status()).toMatchObject({ state: "open", credentials: 0 })
    await expect(vault.reveal("example")).rejects.toThrow("encrypted by another vault")
  })
})

describe("vault.json", () => {
  const paths = (value: unknown, at: string[] = []): string[][] =>
    typeof value === "object" && value !== null
      ? Object.entries(value).flatMap(([name, inner]) => paths(inner, [...at, name]))
      : [at]

  test.each([
    [{ kind: "passphrase", passphrase: PASSPHRASE } as const, ["protection.scrypt.salt", "protection.scrypt.logN"]],
    [{ kind: "file" } as const, ["v", "id", "created", "protection.kind", "wrapped"]],
  ])("opens nothing once any of it is changed ($kind)", async (init, wanted) => {
    const { ctx, file } = await newVaultPlace({ onTestFinished } as TestContextOfVitest, init)
    for (const path of paths(file).filter((one) => wanted.includes(one.join(".")))) {
      const changed = structuredClone(file) as unknown as Record<string, unknown>
      let inner = changed
      for (const name of path.slice(0, -1)) inner = inner[name] as Record<string, unknown>
      const [last, before] = [path.at(-1)!, inner[path.at(-1)!]]
      const other = `${before}`.startsWith("A") ? "B" : "A"
      inner[last] = typeof before === "number" ? before + 1 : `${other}${String(before).slice(1)}`
      writeFileSync(vaultPath(ctx), JSON.stringify(changed))
      const open = async () => unlockVaultKey(ctx, readVaultFile(ctx)!, PASSPHRASE)
      await expect(open(), path.join(".")).rejects.toThrow(/is damaged|does not open/)
    }
  })

  test("that is none is damaged: the vault is locked, and says so", async (t) => {
    const { ctx, openVault } = await newVaultPlace(t)
    for (const text of ["", "{}", "null", "[]", "not json", '{"v":1', "\u0000".repeat(100)]) {
      writeFileSync(vaultPath(ctx), text)
      expect(() => readVaultFile(ctx), text).toThrow("vault.json is damaged")
    }
    const vault = await openVault()
    expect(vault.locked).toBe(true)
    expect(vault.status()).toMatchObject({ state: "locked", trouble: "vault.json is damaged" })
    await expect(vault.unlock()).rejects.toThrow("is damaged")
    expect(() => vault.identify("x")).toThrow("the vault is locked")
  })

  test("that others may read is refused, and asks scrypt for no more than a gigabyte", async (t) => {
    const { ctx, file } = await newVaultPlace(t)
    chmodSync(vaultPath(ctx), 0o644)
    expect(() => readVaultFile(ctx)).toThrow("may be read by others")
    chmodSync(vaultPath(ctx), 0o600)
    const greedy = { ...file, protection: { kind: "passphrase", scrypt: { logN: 40, r: 8, p: 1, salt: "AAAA" } } }
    writeFileSync(vaultPath(ctx), JSON.stringify(greedy))
    expect(() => readVaultFile(ctx)).toThrow("is damaged")
  })
})
