// Values that the vault does not keep: asked for on the host each time, by programs without a shell, within bounds.
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs"
import type { Context } from "../context.ts"
import { EXIT } from "../errors.ts"
import { codeOf, vaultError } from "./errors.ts"
import type { Source } from "./types.ts"
import { MAX_VALUE, trimValue } from "./value.ts"

/** Milliseconds that a program may take: 1Password asks the person. */
const TIMEOUT = 30_000

const { O_RDONLY, O_NONBLOCK = 0 } = constants

/** A source that is elsewhere. */
export type Elsewhere = Exclude<Source, { from: "value" } | { from: "login" }>

/** The value that a source has now. Errors: environment, which name the credential and the kind of source, and nothing that was read. */
export async function readSource(ctx: Pick<Context, "env" | "exec">, name: string, source: Elsewhere): Promise<string> {
  switch (source.from) {
    case "env": {
      const value = ctx.env[source.name]
      if (value) return trimValue(value)
      throw missing(name, `the variable ${source.name} is not set`, "set it for the gateway's own process")
    }
    case "file":
      return trimValue(readStart(name, source.path))
    case "command":
      return run(ctx, name, source.command[0]!, source.command.slice(1))
    case "1password":
      return run(ctx, name, "op", ["read", "--no-newline", source.reference])
    case "pass":
      // By `pass`'s own convention the first line is the password.
      return (await run(ctx, name, "pass", ["show", source.entry])).split(/\r?\n/, 1)[0]!
  }
}

/** Milliseconds for which an answer of a program serves: hundreds of requests a second must not start it as often. */
const SERVES = 30_000

/** The sources of one gate: programs are asked once for all that wait, and now and then. */
export function createSources(ctx: Pick<Context, "env" | "exec" | "now">) {
  const asked = new Map<string, { since: number; value: Promise<string> }>()
  return {
    /** As `readSource`. */
    read(name: string, source: Elsewhere): Promise<string> {
      if (source.from === "env" || source.from === "file") return readSource(ctx, name, source)
      const key = JSON.stringify([name, source])
      const now = ctx.now()
      const before = asked.get(key)
      if (before && now >= before.since && now < before.since + SERVES) return before.value
      const value = readSource(ctx, name, source)
      asked.set(key, { since: now, value })
      value.catch(() => asked.delete(key))
      return value
    },
    forget: () => asked.clear(),
  }
}

async function run(ctx: Pick<Context, "env" | "exec">, name: string, file: string, args: readonly string[]) {
  const options = { env: ctx.env, timeout: TIMEOUT, maxBuffer: MAX_VALUE }
  // What execa throws quotes the output: it goes no further.
  const result = await ctx.exec(file, args, options).catch(() => undefined)
  if (result?.exitCode === 0) return trimValue(result.stdout)
  const why = result
    ? `its program ended with ${result.exitCode}`
    : "its program is missing, said too much or took too long"
  throw missing(name, why, "run the command of its source by hand, as the gateway's user")
}

/** At most one byte more than a value may have. */
function readStart(name: string, path: string): string {
  const refuse = (why: string) => missing(name, `its file ${why}`, "check the path, and who may read it")
  let fd: number
  try {
    fd = openSync(path, O_RDONLY | O_NONBLOCK)
  } catch (error) {
    throw refuse(`cannot be read (${codeOf(error)})`)
  }
  try {
    if (!fstatSync(fd).isFile()) throw refuse("is no file")
    const bytes = Buffer.alloc(MAX_VALUE + 1)
    let size = 0
    for (let read = -1; read !== 0 && size < bytes.length; size += read)
      read = readSync(fd, bytes, size, bytes.length - size, null)
    return bytes.subarray(0, size).toString("utf8")
  } finally {
    closeSync(fd)
  }
}

const missing = (name: string, why: string, hint: string) =>
  vaultError(`the credential ${name} has no value: ${why}`, hint, EXIT.environment)
