// `nanoguard why <request-id | purl | last>`: what was refused, on what evidence, and what to do instead.
import type { Kysely } from "kysely"
import { readBox } from "../approvals/background.ts"
import { readApproval } from "../approvals/list.ts"
import type { Approval } from "../approvals/types.ts"
import { rowsBack } from "../audit/read/back.ts"
import { ERASED, openPeople } from "../audit/sealing/people.ts"
import { readBody } from "../audit/sealing/record-shape.ts"
import type { LogRecord } from "../audit/types.ts"
import type { Context } from "../context.ts"
import { EXIT, type ExitCode, NanoguardError } from "../errors.ts"
import { askGate, isGateRunning } from "../gateway/control-client.ts"
import { parsePurl, purlOf } from "../packages/purl.ts"
import { lineForRefusal } from "../policy/grant-line.ts"
import type { Verdict } from "../policy/types.ts"
import { loadStyle } from "../render/style.ts"
import { renderWhy, type WhyReport } from "../render/why.ts"
import { openReader } from "../store/reader.ts"
import type { Tables } from "../store/schema.ts"

export interface WhyOptions {
  requestException?: string
  agent?: string
  format?: "text" | "json"
  color?: boolean
}

/**
 * Explains a refusal from the record, or what the running gate would say of a purl. Exit: ok where it is allowed; findings where it
 * is refused; usage for what is no id and no purl; nothingChecked where nothing is known of it.
 */
export async function why(ctx: Context, subject: string, options: WhyOptions = {}): Promise<{ exit: ExitCode }> {
  const found = (await findRecord(ctx, subject)) ?? (await askNow(ctx, subject))
  if (found === undefined) {
    throw new NanoguardError("nothing is recorded about that, and no gateway runs that could be asked", {
      exit: EXIT.nothingChecked,
      hint: "an id is written ng-812, a package pkg:npm/axios@1.6.0; the newest refusal is `last`",
    })
  }
  const request = options.requestException
  const report: WhyReport =
    request === undefined ? found : { ...found, requested: await requestException(ctx, found, request, options.agent) }
  const style = await loadStyle(ctx.stdout, ctx.env, options.color)
  ctx.stdout.write(renderWhy(report, options.format ?? "text", { style, columns: ctx.stdout.columns ?? 80 }))
  return { exit: found.verdict.effect === "allow" ? EXIT.ok : EXIT.findings }
}

async function findRecord(ctx: Context, subject: string): Promise<WhyReport | undefined> {
  const purl = canonical(subject)
  const id = /^ng-([1-9]\d{0,15})$/.exec(subject)?.[1]
  if (purl === undefined && id === undefined && subject !== "last") {
    throw new NanoguardError("that is neither the id of a request nor a package", {
      exit: EXIT.usage,
      hint: "write ng-812, pkg:npm/axios@1.6.0, or last",
    })
  }
  const reader = await openReader(ctx)
  try {
    const found = id === undefined ? await searchBack(reader.db, purl) : await readRecord(reader.db, Number(id))
    const asked = found?.approval === undefined ? undefined : await readApproval(reader.db, found.approval, ctx.now())
    const note = asked?.decisions.find(({ answer }) => answer === "deny")?.terms.note
    return (
      found && {
        ...{ ...found, ...(await openOperator(reader.db, found)) },
        ...(asked && { approvalState: asked.state, ...(await readEnd(reader.db, asked)) }),
        ...(asked?.state === "denied" && note !== undefined && { approvalNote: note }),
      }
    )
  } finally {
    await reader.close()
  }
}

/** Whether a question about a package, or the yes to it, is for the run of a box that has ended. */
async function readEnd(db: Kysely<Tables>, { binding, decisions }: Approval): Promise<Pick<WhyReport, "runOver">> {
  const isForAgent = decisions.length > 0 && decisions.every(({ terms }) => terms.scope === "agent")
  if (binding.kind !== "package" || isForAgent || !(await readBox(db, binding)).over) return {}
  return { runOver: true }
}

/** The operator's name: the record has a commitment to it. */
async function openOperator(db: Kysely<Tables>, { operator }: WhyReport): Promise<Pick<WhyReport, "operator">> {
  if (operator === undefined) return {}
  return { operator: (await openPeople(db, [operator])).get(operator) ?? ERASED }
}

/** The canonical purl with a version; undefined for anything else. */
function canonical(subject: string): string | undefined {
  const parsed = parsePurl(subject)
  return parsed === undefined || parsed.version === ""
    ? undefined
    : purlOf(parsed.ecosystem, parsed.name, parsed.version)
}

async function readRecord(db: Kysely<Tables>, seq: number): Promise<WhyReport> {
  const row = await db.selectFrom("events").select("body").where("seq", "=", seq).executeTakeFirst()
  const record = row && readBody(row.body)
  if (record?.verdict !== undefined) return reportOf(db, seq, record, record.verdict)
  throw new NanoguardError(`request ng-${seq} is not in the record, or is no decision`, {
    exit: EXIT.nothingChecked,
    hint: row === undefined ? "what was archived is with the archive" : `look at it: nanoguard audit show ${seq}`,
  })
}

/** From the newest record back: the newest decision about a package, or the newest refusal of all. */
async function searchBack(db: Kysely<Tables>, purl: string | undefined): Promise<WhyReport | undefined> {
  for await (const { seq, body } of rowsBack(db)) {
    if (!body.includes(purl === undefined ? '"verdict"' : JSON.stringify(purl))) continue
    const record = readBody(body)
    if (record?.verdict === undefined) continue
    const wanted = purl === undefined ? record.outcome === "refused" : record.type === "package.decided"
    if (!wanted) continue
    if (purl === undefined ? record.verdict.effect !== "allow" : record.verdict.subject === purl)
      return reportOf(db, seq, record, record.verdict)
  }
  return undefined
}

async function reportOf(db: Kysely<Tables>, seq: number, record: LogRecord, verdict: Verdict): Promise<WhyReport> {
  const { time, agent, run, operator, outcome, approval } = record
  return {
    ...{ schema: "nanoguard.why/1", request: `ng-${seq}`, time, verdict },
    ...(agent !== undefined && { agent }),
    ...(run !== undefined && { run }),
    ...(operator !== undefined && { operator }),
    ...(outcome !== undefined && { outcome }),
    ...(approval !== undefined && { approval }),
    ...(await lineOf(db, record, verdict)),
  }
}

/** The line of the policy that would let a request through; none where nothing was refused by the network's rules. */
async function lineOf(
  db: Kysely<Tables>,
  { action, evidence, detail }: Pick<LogRecord, "action" | "evidence" | "detail">,
  verdict: Verdict,
): Promise<{ line?: string }> {
  if (action?.kind !== "network") return {}
  const { credentials } = detail ?? {}
  const line = lineForRefusal(action, verdict, {
    ...(Array.isArray(credentials) && { credentials: credentials.map(String) }),
    ...(evidence?.addresses && { addresses: evidence.addresses }),
    isTaken: await rulesBeside(db, verdict.policyHash),
  })
  return line === undefined ? {} : { line }
}

/** Whether an id stands in the newest policy of the project that a verdict is of. */
async function rulesBeside(db: Kysely<Tables>, hash: string): Promise<(id: string) => boolean> {
  const newest = await db
    .selectFrom("adoptions")
    .innerJoin("policies", "policies.digest", "adoptions.digest")
    .select("texts")
    .where("project", "in", db.selectFrom("adoptions").select("project").where("hash", "=", hash))
    .orderBy("time", "desc")
    .limit(1)
    .executeTakeFirst()
  return (id) => newest?.texts.match(/[a-z0-9_-]+/g)?.includes(id) ?? false
}

/** What the gate would decide now. */
async function askNow(ctx: Context, subject: string): Promise<WhyReport | undefined> {
  const purl = canonical(subject)
  if (purl === undefined || !(await isGateRunning(ctx))) return undefined
  const verdict = await askGate<Verdict>(ctx, "POST", "/v1/why", { purl })
  return verdict && { schema: "nanoguard.why/1", verdict }
}

async function requestException(
  ctx: Context,
  { verdict, agent, run, operator }: WhyReport,
  reason: string,
  named: string | undefined,
) {
  const { operatorOf } = await import("../gateway/operator.ts")
  // What is granted is for this agent under this operator, as the gate will know them when the command is repeated.
  const who = {
    agent: named ?? agent ?? "local",
    operator: operator ?? operatorOf(ctx),
    ...(run !== undefined && { run }),
  }
  const asked = await askGate<NonNullable<WhyReport["requested"]>>(ctx, "POST", "/v1/exceptions", {
    who,
    verdict,
    reason,
  })
  if (asked !== undefined) return asked
  throw new NanoguardError("too much waits for a person already", {
    exit: EXIT.environment,
    hint: "decide on it first: nanoguard approve --list",
  })
}
