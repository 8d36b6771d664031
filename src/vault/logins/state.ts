// Where a renewed login is kept: a file of its own in the state directory, sealed, bound to the signed entry that it renews.
import { createHash } from "node:crypto"
import { closeSync, lstatSync, openSync, rmSync } from "node:fs"
import { dirname, join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import type { Context } from "../../context.ts"
import { EXIT } from "../../errors.ts"
import { stateHome } from "../../home.ts"
import { makeDirectory } from "../../store/sqlite/files.ts"
import type { Standing } from "../chain.ts"
import { codeOf, vaultError } from "../errors.ts"
import type { VaultKeys } from "../keys.ts"
import { readPrivate, writePrivate } from "../private-file.ts"
import { openBytes, sealBytes } from "../sealing.ts"
import { type LoginDocument, readDocument } from "./document.ts"

const WHAT = "the renewed login"

/** Milliseconds after which a lock is a dead process's: longer than a renewal may take. */
const STALE = 60_000
const LOOK = 200

const hashOf = (name: string) => createHash("sha256").update(name).digest("hex").slice(0, 32)

/** Its file. */
export function loginFile(ctx: Pick<Context, "env">, name: string): string {
  return join(stateHome(ctx), "logins", `${hashOf(name)}.sealed`)
}

/** What was renewed since the login was set; undefined where nothing was. Errors: environment (a file that others may read). */
export function readRenewed(
  ctx: Pick<Context, "env">,
  { logins }: Pick<VaultKeys, "logins">,
  { name, last }: Standing,
): LoginDocument | undefined {
  const text = readPrivate(loginFile(ctx, name), WHAT)
  if (text === undefined) return undefined
  // What belongs to an entry that was replaced is old, and opens no more.
  const bytes = openBytes(logins, Buffer.from(text, "base64"), contextOf(name, last))
  return bytes && readDocument(bytes.toString("utf8"))
}

/** Keeps a renewed login, on the disk before it is used: the one before is worth nothing any more. Errors: environment. */
export function keepRenewed(
  ctx: Pick<Context, "env">,
  { logins }: Pick<VaultKeys, "logins">,
  { name, last }: Standing,
  document: LoginDocument,
): void {
  const sealed = sealBytes(logins, Buffer.from(JSON.stringify(document)), contextOf(name, last))
  writePrivate(loginFile(ctx, name), sealed.toString("base64"), WHAT, true)
}

const contextOf = (name: string, last: string) => `nanoguard-login-v1\n${name}\n${last}`

/** Runs `work` while no other process of this state directory does for the same name. Errors: environment (it never ends). */
export async function withLoginLock<T>(ctx: Pick<Context, "env">, name: string, work: () => Promise<T>): Promise<T> {
  const lock = `${loginFile(ctx, name)}.lock`
  makeDirectory(dirname(lock))
  for (let tries = 0; !take(lock); tries++) {
    if (tries > (2 * STALE) / LOOK)
      throw vaultError(
        "another process renews this login and never ends",
        "end it, or remove the lock",
        EXIT.environment,
        lock,
      )
    await sleep(LOOK)
  }
  try {
    return await work()
  } finally {
    rmSync(lock, { force: true })
  }
}

function take(lock: string): boolean {
  try {
    closeSync(openSync(lock, "wx", 0o600))
    return true
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error
    const stats = lstatSync(lock, { throwIfNoEntry: false })
    if (stats && Date.now() - stats.mtimeMs > STALE) rmSync(lock, { force: true })
    return false
  }
}
