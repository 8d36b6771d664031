// The keychain of the desktop session, as far as the vault has to do with it.
import { accessSync, constants } from "node:fs"
import { delimiter, isAbsolute, join } from "node:path"
import { readVaultFile } from "../../vault/vault-file.ts"
import type { Check } from "../types.ts"

/** Whether there is one. Nothing is put into it or read from it here: it may ask the person. */
export const keychainCheck: Check = {
  id: "keychain",
  title: "Keychain",
  run: async ({ ctx }) => {
    const program = process.platform === "darwin" ? "security" : "secret-tool"
    const there = isOnPath(program, ctx.env["PATH"])
    const session = process.platform === "darwin" || Boolean(ctx.env["DBUS_SESSION_BUS_ADDRESS"])
    const used = readVaultFile(ctx)?.protection.kind === "keychain"
    const facts = { program: there ? program : "none", session, used }
    if (used && !there)
      return {
        ...{ state: "fail", facts, fix: "apt-get install libsecret-tools" },
        why: `the vault's key is in the keychain, and ${program} is missing`,
      }
    if (used && !session)
      return { state: "fail", facts, why: "the vault's key is in it, and no desktop session is open" }
    if (used) return { state: "ok", facts, why: "has the vault's key" }
    return { state: "skip", facts, why: there && session ? "there, not used by the vault" : "none here, none needed" }
  },
}

/** Whether a program is in a directory of PATH; relative ones are passed over. */
export function isOnPath(name: string, path = ""): boolean {
  return path.split(delimiter).some((directory) => {
    if (!isAbsolute(directory)) return false
    try {
      accessSync(join(directory, name), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}
