// `nanoguard audit erase`: a person's name is forgotten; that somebody was there, and every proof, is not.
import { erasePerson, findPerson } from "../audit/erase/index.ts"
import { scrubPeople } from "../audit/erase/scrub.ts"
import type { Context } from "../context.ts"
import { EXIT, type ExitCode, NanoguardError } from "../errors.ts"
import { type EraseReport, renderErase } from "../render/audit-erase.ts"
import { loadStyle } from "../render/style.ts"
import { openReader, openStore } from "../store/open.ts"
import { askFirst, type ConfirmOptions, nameOfCaller, refuseUnasked } from "./confirm.ts"

export interface EraseOptions extends ConfirmOptions {
  /** Who ordered it; the account's name where absent. */
  by?: string
  color?: boolean
}

/** Longest name that is read from stdin, in bytes. */
const MAX_NAME = 65_536

/**
 * Erases what opens a person's commitments: `person` is the exact value as it was recorded, a commitment, or "-" to read it from
 * stdin, which keeps it out of the shell's history. Exit: ok; findings where the question was answered with no;
 * nothingChecked where nobody is known by it; environment where there is no record.
 */
export async function auditErase(
  ctx: Context,
  person: string,
  options: EraseOptions = {},
): Promise<{ report: EraseReport; exit: ExitCode }> {
  refuseUnasked(ctx, "audit erase", options)
  const by = options.dryRun ? "" : nameOfCaller(ctx, options.by)
  const name = person === "-" ? await readName(ctx) : person
  const reader = await openReader(ctx)
  const found = await findPerson(reader.db, name).finally(() => reader.close())
  const { commitments, records, archived } = found
  const report: EraseReport = {
    ...{ schema: "nanoguard.audit-erase/1", state: "planned", commitments, records, archived },
    store: reader.kind,
  }
  const style = await loadStyle(ctx.stdout, ctx.env, options.color)
  const done = (state: EraseReport["state"], exit: ExitCode, more: Partial<EraseReport> = {}) => {
    Object.assign(report, { state, ...more })
    ctx.stdout.write(renderErase(report, options.format ?? "text", style))
    return { report, exit }
  }
  if (options.dryRun) return done("planned", commitments.length > 0 ? EXIT.ok : EXIT.nothingChecked)
  if (commitments.length === 0) {
    // What an interrupted run has left: its row is gone, the traces may not be.
    const scrubbed = reader.directory === undefined || (await scrubPeople(reader.directory))
    return done("unknown", EXIT.nothingChecked, { scrubbed })
  }
  if (!options.yes) {
    ctx.stdout.write(renderErase(report, "text", style))
    if (!(await askFirst(ctx, "Erase this? It cannot be undone."))) return done("declined", EXIT.findings)
  }
  const store = await openStore(ctx, { gateway: "audit-erase" })
  const { seq } = await erasePerson(store, found, { by, gateway: "audit-erase" }).finally(() => store.close())
  const scrubbed = reader.directory === undefined || (await scrubPeople(reader.directory))
  return done("erased", EXIT.ok, { seq, scrubbed })
}

async function readName(ctx: Context): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of ctx.stdin) {
    chunks.push(Buffer.from(chunk as Buffer))
    size += chunks.at(-1)!.length
    if (size > MAX_NAME) break
  }
  const name = Buffer.concat(chunks)
    .toString("utf8")
    .replace(/\r?\n$/, "")
  if (name !== "" && size <= MAX_NAME) return name
  throw new NanoguardError("stdin holds no name", {
    exit: EXIT.usage,
    hint: "give the name on one line, or as an argument",
  })
}
