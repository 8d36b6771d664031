// The commands of approvals as the program declares them, on a store of their own.

import { createCipheriv, randomBytes, scryptSync } from "node:crypto"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { onTestFinished } from "vitest"
import { addApprover } from "../../src/approvals/enrol.ts"
import { keyDirectory } from "../../src/approvals/keys.ts"
import { runProgram } from "../../src/program.ts"
import { openStore } from "../../src/store/open.ts"
import { newPerson, type Person } from "../approvals/support.ts"
import { emptyHome, NOW, temporaryDirectory, testContext } from "../context.ts"

/** The passphrase in pass.txt. */
export const PASS = "correct horse battery"

export interface Ran {
  exit: number
  out: string
  err: string
  /** stdout as JSON. */
  json: () => Record<string, never>
}

/** A key file as nanoguard writes it, at a thousandth of its cost. */
function keepKey(directory: string, { name, key, pkcs8 }: Person, passphrase: string): void {
  const [salt, iv, cost] = [randomBytes(16), randomBytes(12), { N: 128, r: 8, p: 1 }]
  const cipher = createCipheriv("aes-256-gcm", scryptSync(passphrase, salt, 32, cost), iv)
  cipher.setAAD(Buffer.from(`${name}\n${key}`))
  const sealed = Buffer.concat([cipher.update(Buffer.from(pkcs8, "base64")), cipher.final()]).toString("base64")
  const scrypt = { ...cost, salt: salt.toString("base64") }
  const file = {
    v: 1,
    name,
    publicKey: key,
    scrypt,
    iv: iv.toString("base64"),
    tag: cipher.getAuthTag().toString("base64"),
    sealed,
  }
  mkdirSync(directory, { recursive: true })
  writeFileSync(join(directory, `${name}.json`), JSON.stringify(file))
}

/** A directory and a home; `run` is one command in it. */
export function newDesk(files: Record<string, string> = {}) {
  const env: Record<string, string> = { ...emptyHome(), NO_COLOR: "1" }
  const cwd = temporaryDirectory({ "pass.txt": `${PASS}\n`, "other.txt": "another passphrase\n", ...files })
  const run = async (args: readonly string[], now = NOW): Promise<Ran> => {
    const ctx = testContext(cwd, { env, now })
    const exit = await runProgram(["node", "nanoguard", ...args], ctx)
    return { exit, out: ctx.out(), err: ctx.err(), json: () => JSON.parse(ctx.out()) }
  }
  const open = async () => {
    const store = await openStore(testContext(cwd, { env }), { gateway: "gw" })
    onTestFinished(() => store.close())
    return store
  }
  /** Enrols somebody whose key, under the passphrase in pass.txt, is in this person's configuration. */
  const enrol = async (name: string, by?: Person) => {
    const person = newPerson(name)
    keepKey(keyDirectory({ env }), person, PASS)
    const store = await open()
    await addApprover(store, person, by ?? person, NOW, "test")
    return person
  }
  const write = (name: string, text: string) => writeFileSync(join(cwd, name), text)
  return { cwd, env, run, open, write, enrol }
}
