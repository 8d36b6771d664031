// A key in a file: outside of the state directory, so that a copy of what is sealed is not a copy of what opens it.
import { realpathSync } from "node:fs"
import { basename, dirname, isAbsolute, join, relative, sep } from "node:path"
import { keyDirectory } from "../approvals/keys.ts"
import type { Context } from "../context.ts"
import { EXIT } from "../errors.ts"
import { stateHome } from "../home.ts"
import { vaultError } from "./errors.ts"
import { KEY_SIZE, newKey } from "./keys.ts"
import { readPrivate, writePrivate } from "./private-file.ts"

const WHAT = "the vault's key file"

/** Where the key file is unless somebody says otherwise: `vault.key` in the person's configuration, beside the keys of approvers. */
export function defaultKeyFile(ctx: Pick<Context, "env">): string {
  return join(dirname(keyDirectory(ctx)), "vault.key")
}

/** The key in a file. Errors: environment (missing, not private, inside of the state directory, no key). */
export function readKeyFile(ctx: Pick<Context, "env">, file: string): Buffer {
  requireOutside(ctx, file)
  const text = readPrivate(file, WHAT)
  if (text === undefined)
    throw vaultError(
      `${WHAT} is not there`,
      "bring it back, or say where it is now with NANOGUARD_VAULT_KEY; without it no value can be read again",
      EXIT.environment,
      file,
    )
  const key = /^[A-Za-z0-9+/]{43}=\r?\n?$/.test(text) ? Buffer.from(text.trimEnd(), "base64") : undefined
  if (key?.length === KEY_SIZE) return key
  throw vaultError(`${WHAT} holds no key`, "restore it from a copy", EXIT.environment, file)
}

/** The key in a file, which is made where there is none; one that is there is used as it is. Errors: as `readKeyFile`. */
export function makeKeyFile(ctx: Pick<Context, "env">, file: string): Buffer {
  requireOutside(ctx, file)
  writePrivate(file, `${newKey().toString("base64")}\n`, WHAT)
  return readKeyFile(ctx, file)
}

function requireOutside(ctx: Pick<Context, "env">, file: string): void {
  if (!isAbsolute(file)) throw vaultError(`${WHAT} needs an absolute path`, "write it out", EXIT.usage, file)
  if (!isInside(stateHome(ctx), file)) return
  throw vaultError(
    `${WHAT} would be inside of the state directory`,
    "whoever copies the one would have the other: put it elsewhere",
    EXIT.environment,
    file,
  )
}

/** Whether a path is in a directory, links followed as far as there is something. */
export function isInside(directory: string, path: string): boolean {
  const way = relative(realPath(directory), realPath(path))
  return way === "" || !(way === ".." || way.startsWith(`..${sep}`) || isAbsolute(way))
}

function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    const above = dirname(path)
    return above === path ? path : join(realPath(above), basename(path))
  }
}
