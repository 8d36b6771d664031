// `nanoguard approve --list`, `approve <id>`, `deny <id>`: what waits for a person, and the person's signed answer.
import { answerApproval, noApproval } from "../approvals/answer.ts"
import { readApprovers, requireApprover } from "../approvals/approvers.ts"
import { readBackground } from "../approvals/background.ts"
import { APPROVAL_ID, matchesDigest } from "../approvals/binding.ts"
import { listApprovals, readApproval } from "../approvals/list.ts"
import { plainTerms } from "../approvals/terms.ts"
import type { Approval, ApprovalState, Terms } from "../approvals/types.ts"
import type { Context } from "../context.ts"
import { EXIT, type ExitCode, NanoguardError } from "../errors.ts"
import { DURATION, parseDuration } from "../policy/duration.ts"
import {
  type AnswerReport,
  type ApprovalsReport,
  describeApproval,
  renderAnswer,
  renderApprovals,
  renderCard,
} from "../render/approvals.ts"
import { openReader, openStore } from "../store/open.ts"
import type { LiveOptions } from "./approve-live.ts"
import { onlyFor } from "./only-for.ts"
import { nameOfSigner, openSigner, type SigningOptions } from "./signing.ts"

interface Format {
  format?: "text" | "json"
}

export interface AnswerOptions extends SigningOptions, Format {
  /** The digest, or its beginning: what the person has looked at. */
  digest?: string
  reason?: string
  /** How long an approval holds. */
  expires?: string
  uses?: string
  for?: "run" | "agent"
}

/** What `approve` without an id may say. */
export interface QueueOptions extends LiveOptions, Format {
  list?: boolean
  state?: ApprovalState
}

/**
 * What waits: at a terminal live, until the person leaves; else, and with `list` or `state`, as a list. Exit: ok, also where there is
 * nothing; environment; at a terminal also those of `approveLive`.
 */
export async function approveList(
  ctx: Context,
  options: QueueOptions = {},
): Promise<{ report?: ApprovalsReport; exit: ExitCode }> {
  const wantsList = options.list === true || options.state !== undefined || options.format === "json"
  if (!wantsList && ctx.stdin.isTTY && ctx.stdout.isTTY) {
    const { approveLive } = await import("./approve-live.ts")
    return approveLive(ctx, options)
  }
  const reader = await openReader(ctx)
  try {
    const state = options.state ?? "pending"
    const approvers = await readApprovers(reader.db)
    const found = await listApprovals(reader.db, ctx.now(), state)
    const approvals = found.map((approval) => describeApproval(approval, approvers))
    const report: ApprovalsReport = { schema: "nanoguard.approvals/1", state, approvals }
    ctx.stdout.write(renderApprovals(report, options.format ?? "text", ctx.now(), ctx.stdout.columns))
    return { report, exit: EXIT.ok }
  } finally {
    await reader.close()
  }
}

/**
 * Shows a request and signs the answer to it. Exit: ok; findings (not theirs to decide, decided already, declined); usage (no
 * such request, another digest, nobody to ask); approvalTimeout; environment.
 */
export async function answerCommand(
  ctx: Context,
  id: string,
  answer: "approve" | "deny",
  options: AnswerOptions = {},
): Promise<{ report: AnswerReport; exit: ExitCode }> {
  if (!APPROVAL_ID.test(id)) throw noApproval(id)
  const { approval, approvers, background } = await readQueue(ctx, id)
  const shown = describeApproval(approval, approvers, background)
  const terms = termsOf(approval, answer, options, ctx.now())
  if (options.format !== "json") {
    const meaning = approval.state === "pending" ? { answer, terms: describeTerms(terms) } : undefined
    ctx.stdout.write(renderCard(shown, ctx.now(), ctx.stdout.columns, meaning, background))
  }
  await requireDigest(ctx, approval, answer, options)
  const approver = requireApprover(approvers, nameOfSigner(ctx, approvers, options))
  const signer = await openSigner(ctx, approver, options)
  const store = await openStore(ctx, { gateway: answer })
  // What was looked at, and nothing that came into its place.
  const own = onlyFor(signer, approval.digest)
  const answered = await answerApproval(store, id, { answer, terms }, own, ctx.now(), answer, ctx.now).finally(() =>
    store.close(),
  )
  const report: AnswerReport = {
    ...{ schema: "nanoguard.answer/1", ...answered, answer, by: signer.name, terms: describeTerms(terms) },
    approval: shown,
  }
  ctx.stdout.write(renderAnswer(report, options.format ?? "text"))
  return { report, exit: EXIT.ok }
}

async function readQueue(ctx: Context, id: string) {
  const reader = await openReader(ctx)
  try {
    const approval = await readApproval(reader.db, id, ctx.now())
    if (!approval) throw noApproval(id)
    const approvers = await readApprovers(reader.db)
    return { approval, approvers, background: await readBackground(reader.db, approval, approvers) }
  } finally {
    await reader.close()
  }
}

/** What the person has looked at has to be what is signed: named on the command line, or typed under the card. */
async function requireDigest(
  ctx: Context,
  { id, digest }: Approval,
  answer: "approve" | "deny",
  options: AnswerOptions,
): Promise<void> {
  const command = `nanoguard ${answer} ${id} --digest <digest>`
  let typed = options.digest
  if (typed === undefined) {
    if (!ctx.stdin.isTTY || !ctx.stdout.isTTY || options.format === "json")
      throw usage(
        `${answer} wants the digest of what was looked at`,
        `see \`nanoguard approve --list\`, then ${command}`,
      )
    const { input } = await import("@inquirer/prompts")
    const message = `To ${answer} this, type the first 8 digits of its digest:`
    typed = await input({ message }, { input: ctx.stdin, output: ctx.stderr }).catch((error: unknown) => {
      if (error instanceof Error && error.name === "ExitPromptError") return ""
      throw error
    })
    if (typed === "") throw new NanoguardError("Nothing was decided.", { exit: EXIT.findings })
  }
  if (matchesDigest(typed, digest)) return
  throw usage(
    `this is not the digest of ${id}: nothing was decided`,
    "look at it again: at least its first 8 digits are needed, such as 80fb-9386; `sha256:` does not count",
  )
}

function termsOf(
  { binding }: Approval,
  answer: "approve" | "deny",
  { reason, expires, uses, for: scope }: AnswerOptions,
  now: number,
): Terms {
  const note = reason === undefined || reason === "" ? {} : { note: reason }
  if (answer === "deny") return note
  if (expires !== undefined && !DURATION.test(expires)) throw usage("--expires is no duration", "such as 30m, 12h, 14d")
  if (uses !== undefined && !/^[1-9]\d{0,5}$/.test(uses)) throw usage("--uses is no number of uses", "such as 1")
  if (scope === "run" && binding.run === undefined) throw usage("this was asked outside of a run", "--for agent")
  const plain = plainTerms(binding, now)
  return {
    ...plain,
    ...(scope !== undefined && { scope }),
    ...(expires !== undefined && { expires: now + parseDuration(expires) }),
    ...(uses !== undefined && { uses: Number(uses) }),
    ...note,
  }
}

const describeTerms = ({ expires, ...terms }: Terms): AnswerReport["terms"] => ({
  ...terms,
  ...(expires !== undefined && { expires: new Date(expires).toISOString() }),
})

function usage(message: string, hint: string): NanoguardError {
  return new NanoguardError(message, { exit: EXIT.usage, hint })
}
