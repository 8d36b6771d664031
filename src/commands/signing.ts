// Who signs, and with which key: for every command whose authority is a person's signature.
import { readFileSync } from "node:fs"
import { resolve } from "node:path"
import { findKey, keyDirectory, listKeys, openKey } from "../approvals/keys.ts"
import { sshSigner } from "../approvals/ssh.ts"
import type { Approver, Signer } from "../approvals/types.ts"
import type { Context } from "../context.ts"
import { EXIT, NanoguardError } from "../errors.ts"

export interface SigningOptions {
  /** Name of the approver. */
  as?: string
  /** File that holds the passphrase of their key. */
  passphraseFile?: string
  /** An OpenSSH key, or its public half where an agent holds it. */
  signWith?: string
}

const MAX_FILE = 4096

/** The approver that this command speaks for: `--as`, else the only one whose key is here, else the only one there is. */
export function nameOfSigner(ctx: Context, approvers: ReadonlyMap<string, Approver>, { as }: SigningOptions): string {
  if (as !== undefined) return as
  const here = listKeys(keyDirectory(ctx)).filter((name) => approvers.has(name))
  const candidates = here.length > 0 ? here : [...approvers.keys()]
  if (candidates.length === 1) return candidates[0]!
  if (candidates.length === 0)
    throw new NanoguardError("nobody is an approver yet, so that nobody can sign this", {
      exit: EXIT.findings,
      hint: "enrol the first one: nanoguard approver add <name>",
    })
  throw usage("who decides?", `add --as <name>: ${candidates.slice(0, 10).join(", ")}`)
}

/** Opens the key of an enrolled approver; asks for its passphrase where no file has it. Errors: findings, usage, environment. */
export async function openSigner(ctx: Context, approver: Approver, options: SigningOptions): Promise<Signer> {
  const { name, key } = approver
  if (options.signWith !== undefined) return sshSigner(ctx, name, key, resolve(ctx.cwd, options.signWith))
  const own = findKey(keyDirectory(ctx), name)
  if (own?.publicKey !== key) return sshSigner(ctx, name, key)
  return openKey(
    own,
    await readPassphrase(ctx, options.passphraseFile, `Passphrase of ${name}'s key`, "--passphrase-file"),
  )
}

/** A passphrase: the first line of a file, or what a person types; `twice` for a new one. Errors: usage. */
export async function readPassphrase(
  ctx: Context,
  file: string | undefined,
  question: string,
  flag: string,
  twice = false,
): Promise<string> {
  if (file !== undefined) return firstLine(ctx, file)
  if (!ctx.stdin.isTTY) throw usage("a passphrase is needed, and this is no terminal", `add ${flag} <file>`)
  const { password } = await import("@inquirer/prompts")
  // On stderr, so that stdout stays the document that it is.
  const io = { input: ctx.stdin, output: ctx.stderr }
  try {
    const first = await password({ message: question, mask: true }, io)
    if (twice && (await password({ message: "Again", mask: true }, io)) !== first)
      throw usage("the two are not the same", "nothing was made; try again")
    return first
  } catch (error) {
    if (!(error instanceof Error) || error.name !== "ExitPromptError") throw error
    throw new NanoguardError("Interrupted. Nothing was signed.", { exit: EXIT.findings, cause: error })
  }
}

function firstLine(ctx: Context, file: string): string {
  let text: string
  try {
    text = readFileSync(resolve(ctx.cwd, file), "utf8")
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    throw usage(`the passphrase cannot be read (${code})`, "name a file that only you may read", file)
  }
  const line = text.split(/\r?\n/, 1)[0]!
  if (line === "" || text.length > MAX_FILE) throw usage("the file holds no passphrase", "write it on one line", file)
  return line
}

function usage(message: string, hint: string, file?: string): NanoguardError {
  return new NanoguardError(message, { exit: EXIT.usage, hint, ...(file !== undefined && { where: { file } }) })
}
