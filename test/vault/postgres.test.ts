// Credentials on a real PostgreSQL, by people and gateways that may do no more than write.
import { expect, test } from "vitest"
import { removeCredential, rotateCredential } from "../../src/vault/change.ts"
import { NOW } from "../context.ts"
import { newStoreDatabase } from "../postgres.ts"
import { newVaultPlace, VALUE } from "./support.ts"

test("credentials are set, seen by other gateways, rotated and removed", async (t) => {
  const prepare = async () => {
    const database = await newStoreDatabase(t)
    return { NANOGUARD_STORE: await database.login("gateway", "nanoguard_writer") }
  }
  const { ana, keys, set, open, openVault, store } = await newVaultPlace(t, { kind: "file" }, prepare)
  const vault = await openVault(await open("another"))
  await set()
  await expect.poll(() => vault.list().length, { timeout: 10_000 }).toBe(1)
  expect(await vault.reveal("example")).toBe(VALUE)
  await rotateCredential(store, "example", { value: "a-newer-Value-91", keys }, ana, NOW, "test")
  await vault.reload()
  expect(await vault.reveal("example")).toBe("a-newer-Value-91")
  // Somebody else sets one while this person looks for their key.
  const late = { ...ana, sign: (message: string) => set({ name: "one" }).then(() => ana.sign(message)) }
  await expect(set({ name: "two" }, VALUE, late)).rejects.toThrow("somebody else changed the credentials meanwhile")
  await removeCredential(store, "example", ana, NOW, "test")
  await vault.reload()
  expect(vault.list().length).toBe(1)
})
