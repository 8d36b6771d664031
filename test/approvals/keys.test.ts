// Keys on disk: only their owner reads them, and only with the passphrase.
import { readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, test } from "vitest"
import { createKey, findKey, keyDirectory, listKeys, openKey } from "../../src/approvals/keys.ts"
import { verifySignature } from "../../src/approvals/signature.ts"
import { readPublicKeyFile } from "../../src/approvals/ssh.ts"
import { EXIT } from "../../src/errors.ts"
import { temporaryDirectory } from "../context.ts"

const PASS = "correct horse battery"

describe("a key", () => {
  test("signs for whoever has its passphrase, and nobody else", async () => {
    const directory = join(temporaryDirectory(), "config", "keys")
    const { publicKey, file } = createKey(directory, "ana@acme.example", PASS)
    expect([statSync(file).mode & 0o777, statSync(directory).mode & 0o777]).toEqual([0o600, 0o700])
    expect(readFileSync(file, "utf8")).not.toContain(PASS)
    const key = findKey(directory, "ana@acme.example")!
    const signature = await openKey(key, PASS).sign("text")
    expect(verifySignature(publicKey, "text", signature)).toBe(true)
    expect(() => openKey(key, `${PASS} `)).toThrow("the passphrase is not that of ana@acme.example's key")
    // Nor is a key under another's name, or with another public half, opened.
    for (const changed of [
      { name: "ben" },
      { publicKey: `${publicKey.slice(0, -2)}AA` },
      { sealed: `${key.sealed.slice(0, -4)}AAAA` },
    ])
      expect(() => openKey({ ...key, ...changed }, PASS)).toThrow("the passphrase is not")
    expect(listKeys(directory)).toEqual(["ana@acme.example"])
  })

  test("is never replaced, and wants a passphrase that is one", () => {
    const directory = temporaryDirectory()
    createKey(directory, "ana", PASS)
    const before = readFileSync(join(directory, "ana.json"), "utf8")
    expect(() => createKey(directory, "ana", PASS)).toThrow("there is a key of ana already")
    expect(readFileSync(join(directory, "ana.json"), "utf8")).toBe(before)
    expect(() => createKey(directory, "ben", "short")).toThrow("shorter than 8")
    expect(() => createKey(directory, "../ben", PASS)).toThrow("no name of an approver")
  })

  test("that is none is told from one", () => {
    const directory = temporaryDirectory()
    expect(findKey(directory, "ana")).toBeUndefined()
    for (const text of ["", "{}", "[]", "null", '{"v":1}', '{"v":1,"name":"ben"}']) {
      writeFileSync(join(directory, "ana.json"), text)
      expect(() => findKey(directory, "ana")).toThrow("no key of nanoguard")
    }
    expect(listKeys(join(directory, "none"))).toEqual([])
  })

  test("cannot be made to eat the machine's memory", () => {
    const directory = temporaryDirectory()
    createKey(directory, "ana", PASS)
    const key = findKey(directory, "ana")!
    for (const N of [2 ** 30, 3, -1])
      expect(() => openKey({ ...key, scrypt: { ...key.scrypt, N } }, PASS)).toThrow("the passphrase is not")
  })
})

describe("the directory of keys", () => {
  test("is the person's own configuration", () => {
    expect(keyDirectory({ env: { NANOGUARD_HOME: "/n" } })).toBe("/n/config/keys")
    expect(keyDirectory({ env: { XDG_CONFIG_HOME: "/x", HOME: "/h" } })).toBe("/x/nanoguard/keys")
    expect(keyDirectory({ env: { XDG_CONFIG_HOME: "relative", HOME: "/h" } })).toBe("/h/.config/nanoguard/keys")
  })
})

describe("a file with a public key", () => {
  test("says what is wrong with it", () => {
    const file = join(temporaryDirectory({ "id.pub": "ssh-rsa AAAA ana\n" }), "id.pub")
    expect(() => readPublicKeyFile(file, "id.pub")).toThrow(
      expect.objectContaining({ exit: EXIT.usage, where: { file: "id.pub" } }),
    )
    expect(() => readPublicKeyFile(`${file}x`, "x")).toThrow("cannot be read (ENOENT)")
  })
})
