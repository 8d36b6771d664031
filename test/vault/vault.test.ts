// The vault from end to end: set by an approver, opened by the gate, revealed, rotated, removed.
import { describe, expect, test } from "vitest"
import { newVaultPlace, VALUE } from "./support.ts"

describe("a credential", () => {
  test("is set by an approver and revealed to the gate", async (t) => {
    const { set, openVault } = await newVaultPlace(t)
    await set()
    const vault = await openVault()
    expect(vault.locked).toBe(false)
    expect(vault.list()).toMatchObject([{ name: "example", version: 1, by: "ana" }])
    expect(await vault.reveal("example")).toBe(VALUE)
    const placeholder = vault.placeholder("example", "r1")
    expect(vault.identify(placeholder)).toMatchObject({ credential: "example" })
    const sealed = vault.seal(Buffer.from("a body"), "ap-1")
    expect(vault.open(sealed, "ap-1").toString()).toBe("a body")
    expect(() => vault.open(sealed, "ap-2")).toThrow("does not open")
  })
})
