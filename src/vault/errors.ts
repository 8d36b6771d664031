// The vault's own errors. None of them ever carries a value.
import { EXIT, type ExitCode, NanoguardError } from "../errors.ts"

/** An error about the vault, its key or a credential. */
export function vaultError(message: string, hint: string, exit: ExitCode, file?: string, cause?: unknown) {
  return new NanoguardError(message, { exit, hint, ...(file !== undefined && { where: { file } }), cause })
}

/** What is thrown where a value or a placeholder is needed and the key is not there. */
export function lockedError(hint = "unlock it: nanoguard secret unlock"): NanoguardError {
  return vaultError("the vault is locked", hint, EXIT.environment)
}

/** The code of a file system's error, for messages. */
export const codeOf = (error: unknown) => (error as NodeJS.ErrnoException | null)?.code ?? "unknown error"
