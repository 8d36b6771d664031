// The vault's cryptography against other implementations of it.
import { execFileSync, spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { describe, expect, test } from "vitest"
import { deriveKeys, newKey } from "../../src/vault/keys.ts"
import { openBytes, sealBytes } from "../../src/vault/sealing.ts"
import { vaultPath } from "../../src/vault/vault-file.ts"
import { newVaultPlace, PASSPHRASE, VALUE } from "./support.ts"

const hex = (text: string) => Buffer.from(text, "hex")

describe("sealing", () => {
  // Test cases 13 and 14 of McGrew and Viega, "The Galois/Counter Mode of Operation".
  test.each([
    ["", "", "530f8afbc74536b9a963b4f1c4cb738b"],
    ["00".repeat(16), "cea7403d4d606b6e074ec5d3baf39d18", "d0d1c8a799996bf0265b98b5d48ab919"],
  ])("is AES-256-GCM: opens a published vector (%s)", (plain, cipher, tag) => {
    const sealed = Buffer.concat([Buffer.of(1), Buffer.alloc(12), hex(cipher), hex(tag)])
    expect(openBytes(Buffer.alloc(32), sealed, "")?.toString("hex")).toBe(plain)
  })

  test("opens with the same key and context alone, and whole", () => {
    const [key, other] = [newKey(), newKey()]
    const sealed = sealBytes(key, Buffer.from("a body"), "ap-1")
    expect(openBytes(key, sealed, "ap-1")?.toString()).toBe("a body")
    expect([openBytes(other, sealed, "ap-1"), openBytes(key, sealed, "ap-2")]).toEqual([undefined, undefined])
    for (let at = 0; at < sealed.length; at++) {
      const changed = Buffer.from(sealed)
      changed[at]! ^= 1
      expect(openBytes(key, changed, "ap-1")).toBeUndefined()
      expect(openBytes(key, sealed.subarray(0, at), "ap-1")).toBeUndefined()
    }
    expect(openBytes(key, Buffer.concat([sealed, Buffer.of(0)]), "ap-1")).toBeUndefined()
  })

  test("makes another text each time", () => {
    const key = newKey()
    const texts = Array.from({ length: 100 }, () => sealBytes(key, Buffer.from("same"), "").toString("hex"))
    expect(new Set(texts.map((text) => text.slice(2, 26))).size).toBe(100)
  })
})

describe("keys", () => {
  test("are HKDF-SHA256 of the vault's key, one for each purpose", (t) => {
    if (spawnSync("openssl", ["version"]).error) t.skip("openssl is missing: install it")
    const vaultKey = newKey()
    const keys = deriveKeys(vaultKey)
    for (const [purpose, key] of Object.entries(keys)) {
      const options = ["digest:SHA256", `hexkey:${vaultKey.toString("hex")}`, `info:nanoguard-vault-v1/${purpose}`]
      const args = ["kdf", "-keylen", "32", ...options.flatMap((option) => ["-kdfopt", option]), "HKDF"]
      const theirs = execFileSync("openssl", args).toString().replaceAll(":", "").trim().toLowerCase()
      expect(theirs).toBe(key.toString("hex"))
    }
    expect(new Set(Object.values(keys).map((key) => key.toString("hex"))).size).toBe(Object.keys(keys).length)
  })

  test("a value is opened by Python from the passphrase, vault.json and the row alone", async (t) => {
    if (spawnSync("python3", ["-c", "import cryptography"]).status !== 0)
      t.skip("Python's cryptography is missing: pip install cryptography")
    const { ctx, set, store } = await newVaultPlace(t, { kind: "passphrase", passphrase: PASSPHRASE })
    await set()
    const row = await store.db.selectFrom("credentials").selectAll().executeTakeFirstOrThrow()
    const input = JSON.stringify({ vault: readFileSync(vaultPath(ctx), "utf8"), passphrase: PASSPHRASE, row })
    const script = fileURLToPath(new URL("open-value.py", import.meta.url))
    expect(execFileSync("python3", [script], { input }).toString()).toBe(VALUE)
  })
})
