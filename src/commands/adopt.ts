// `nanoguard policy adopt` and `policy adopted`: a policy comes into force by a person's signature, as a copy in the store.
import { existsSync, realpathSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import { adoptPolicy } from "../approvals/adopt.ts"
import { adoptedPolicy, findAdopted, lastAdoption } from "../approvals/adopted.ts"
import { readApprovers, requireApprover } from "../approvals/approvers.ts"
import { diffPolicies } from "../approvals/policy-diff.ts"
import { findProject } from "../approvals/project.ts"
import type { AdoptedPolicy, Approver } from "../approvals/types.ts"
import type { Context } from "../context.ts"
import { EXIT, type ExitCode, NanoguardError } from "../errors.ts"
import { type LayerText, loadPolicyTexts, readPolicyFiles } from "../policy/load.ts"
import { type AdoptedReport, type AdoptReport, renderAdopt, renderAdopted } from "../render/adopt.ts"
import { storeLocation } from "../store/location.ts"
import { openReader, openStore } from "../store/open.ts"
import { askFirst, refuseUnasked } from "./confirm.ts"
import { nameOfSigner, openSigner, type SigningOptions } from "./signing.ts"

export interface AdoptOptions extends SigningOptions {
  policy?: string
  /** Name of the project; else the real path of the policy's directory. */
  project?: string
  yes?: boolean
  dryRun?: boolean
  format?: "text" | "json"
}

/**
 * Shows what a policy changes against the one in force and, once a person agrees, brings it into force. Exit: ok, also where it is in
 * force already; findings (declined, not an approver), usage, configuration (the policy), environment.
 */
export async function policyAdopt(
  ctx: Context,
  options: AdoptOptions = {},
): Promise<{ report: AdoptReport; exit: ExitCode }> {
  refuseUnasked(ctx, "policy adopt", options)
  const { texts, project } = await readProject(ctx, options)
  if (texts.length === 0) throw noPolicy()
  const policy = await loadPolicyTexts(texts)
  const { since, before, problem, approvers } = await readInForce(ctx, project)
  const files = texts.map(({ file }) => file)
  const report: AdoptReport = {
    ...{ schema: "nanoguard.policy-adopt/1", state: "planned", project, policyHash: policy.hash, files },
    ...{ before: before?.hash ?? null, differences: diffPolicies(before?.texts ?? [], texts) },
    ...(problem !== undefined && { problem }),
    unenrolled: [...new Set([...policy.approvers.values()].flatMap(({ people }) => people))].filter(
      (name) => !approvers.has(name),
    ),
  }
  const done = (state: AdoptReport["state"], exit: ExitCode, more: Partial<AdoptReport> = {}) => {
    Object.assign(report, { state, ...more })
    ctx.stdout.write(renderAdopt(report, options.format ?? "text", ctx.stdout.columns))
    return { report, exit }
  }
  const same = before?.hash === policy.hash && before.texts.map(({ file }) => file).join() === files.join()
  if (same) return done("in-force", EXIT.ok)
  if (options.dryRun) return done("planned", EXIT.ok)
  if (options.format !== "json") ctx.stdout.write(renderAdopt(report, "text", ctx.stdout.columns))
  // Whoever cannot sign is not asked first.
  const approver = requireApprover(approvers, nameOfSigner(ctx, approvers, options))
  if (!options.yes && !(await askFirst(ctx, "Bring this policy into force?"))) return done("declined", EXIT.findings)
  const signer = await openSigner(ctx, approver, options)
  const store = await openStore(ctx, { gateway: "policy-adopt" })
  const { seq } = await adoptPolicy(
    store,
    { project, texts, policy, since },
    signer,
    ctx.now(),
    "policy-adopt",
  ).finally(() => store.close())
  return done("adopted", EXIT.ok, { seq, by: signer.name })
}

/** Shows the policy in force, and whether the files here say the same. Exit: ok; configuration where none is in force; environment. */
export async function policyAdopted(
  ctx: Context,
  options: Pick<AdoptOptions, "policy" | "project" | "format"> = {},
): Promise<{ report: AdoptedReport; exit: ExitCode }> {
  const { texts, project } = await readProject(ctx, options)
  const reader = await openReader(ctx)
  try {
    const { hash, by, time, texts: adopted } = await adoptedPolicy(reader.db, project)
    const here = texts.length === 0 ? undefined : (await loadPolicyTexts(texts)).hash
    const report: AdoptedReport = {
      ...{ schema: "nanoguard.policy-adopted/1", project, policyHash: hash, by, time: new Date(time).toISOString() },
      ...{ files: adopted, ...(here !== undefined && { same: here === hash }) },
    }
    ctx.stdout.write(renderAdopted(report, options.format ?? "text"))
    return { report, exit: EXIT.ok }
  } finally {
    await reader.close()
  }
}

/** The texts that are to be adopted, found as vet finds them, and whose they are. A named file belongs to its directory's project. */
async function readProject(
  ctx: Context,
  options: Pick<AdoptOptions, "policy" | "project">,
): Promise<{ texts: LayerText[]; project: string }> {
  const org = ctx.env["NANOGUARD_ORG_POLICY"]
  const layers = { skipLocal: Boolean(ctx.env["CI"]), ...(org && { orgFile: resolve(ctx.cwd, org) }) }
  if (options.policy !== undefined) {
    const file = resolve(ctx.cwd, options.policy)
    const texts = await readPolicyFiles({ ...layers, directory: dirname(file), file })
    return { texts, project: options.project ?? realpathSync(dirname(file)) }
  }
  const { name, directory } = findProject(ctx.cwd, options.project)
  return { texts: await readPolicyFiles({ ...layers, directory }), project: name }
}

const noPolicy = () =>
  new NanoguardError("there is no nanoguard.yaml here or above", {
    exit: EXIT.configuration,
    hint: "write one with `nanoguard init`, or name one with --policy",
  })

interface InForce {
  since: number
  before?: AdoptedPolicy
  /** What is in force may not hold any more: a reason to adopt another one. */
  problem?: string
  approvers: ReadonlyMap<string, Approver>
}

async function readInForce(ctx: Context, project: string): Promise<InForce> {
  const location = storeLocation(ctx)
  // To look makes no record.
  if (location.kind === "sqlite" && !existsSync(join(location.directory, "record.db")))
    return { since: 0, approvers: new Map() }
  const { db, close } = await openReader(ctx)
  try {
    const found = { since: await lastAdoption(db, project), approvers: await readApprovers(db) }
    const before = await findAdopted(db, project).catch((error: unknown) => {
      if (error instanceof NanoguardError && error.exit === EXIT.configuration) return error.message
      throw error
    })
    if (typeof before === "string") return { ...found, problem: before }
    return before ? { ...found, before } : found
  } finally {
    await close()
  }
}
