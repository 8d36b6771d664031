// A value on its way into the vault: from a prompt that shows nothing, from a pipe, or from a file.
import type { Context } from "../context.ts"
import { EXIT } from "../errors.ts"
import { vaultError } from "../vault/errors.ts"
import { readSource } from "../vault/sources.ts"
import type { Slot } from "../vault/types.ts"
import { MAX_VALUE, requireValue, trimValue } from "../vault/value.ts"

export interface ValueOptions {
  /** Read it from stdin. */
  stdin?: boolean
  /** Read it from this file: an absolute path. */
  file?: string
}

/** The value, checked for its slot. Errors: usage, environment; what was read is in none of them. */
export async function readValue(ctx: Context, name: string, slot: Slot, options: ValueOptions): Promise<string> {
  return requireValue(name, await readText(ctx, name, slot, options), slot)
}

async function readText(ctx: Context, name: string, slot: Slot, { stdin, file }: ValueOptions): Promise<string> {
  if (file !== undefined) return readSource(ctx, name, { from: "file", path: file })
  if (stdin) return trimValue(await readInput(ctx))
  if (!ctx.stdin.isTTY)
    throw vaultError(
      "a value is needed, and this is no terminal",
      "pipe it in and add --stdin, or --file <file>",
      EXIT.usage,
    )
  return askHidden(ctx, `Value of ${name}${FORMS[slot.in] ?? ""}`)
}

const FORMS: Partial<Record<Slot["in"], string>> = {
  aws: " (<access key id>:<secret key>[:<session token>])",
  "oauth-client": " (<client id>:<client secret>)",
}

/** Asks without showing what is typed. Errors: findings (interrupted). */
async function askHidden(ctx: Context, message: string): Promise<string> {
  const { password } = await import("@inquirer/prompts")
  try {
    // On stderr, so that stdout stays the document that it is.
    return await password({ message, mask: true }, { input: ctx.stdin, output: ctx.stderr })
  } catch (error) {
    if (!(error instanceof Error) || error.name !== "ExitPromptError") throw error
    throw vaultError("Interrupted. Nothing was changed.", "run it again", EXIT.findings)
  }
}

/** What comes through a pipe, up to the size of a value. Errors: usage. */
export async function readInput(ctx: Pick<Context, "stdin">): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of ctx.stdin) {
    const bytes = Buffer.from(chunk as Uint8Array | string)
    size += bytes.length
    if (size > MAX_VALUE + 2)
      throw vaultError("stdin holds too much to be a value", `at most ${MAX_VALUE} bytes`, EXIT.usage)
    chunks.push(bytes)
  }
  return Buffer.concat(chunks).toString("utf8")
}
