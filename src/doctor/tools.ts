// What the checks share: each thing gathered once, by whichever check asks first.
import { existsSync } from "node:fs"
import { join, resolve } from "node:path"
import { findAdopted } from "../approvals/adopted.ts"
import { findProject } from "../approvals/project.ts"
import type { Context } from "../context.ts"
import { EXIT, NanoguardError } from "../errors.ts"
import type { GateStatus } from "../gateway/control.ts"
import { askGate, isGateRunning } from "../gateway/control-client.ts"
import { readPolicyFiles } from "../policy/load.ts"
import { storeLocation } from "../store/location.ts"
import { openReader } from "../store/reader.ts"
import type { Law, Tools } from "./types.ts"

/** The tools of one round of checks, and what closes them. `limit`: milliseconds that a program may take. */
export function openTools(outer: Context, limit: number): Tools & { close: () => Promise<void> } {
  const ctx: Context = {
    ...outer,
    exec: (file, args, options = {}) =>
      outer.exec(file, args, { ...options, timeout: Math.min(options.timeout ?? limit, limit) }),
  }
  let opened: ReturnType<Tools["reader"]> | undefined
  const reader = () => {
    opened ??= openRecord(ctx)
    return opened
  }
  return {
    ctx,
    reader,
    gate: once(async () => ((await isGateRunning(ctx)) ? askGate<GateStatus>(ctx, "GET", "/v1/status") : undefined)),
    law: once(() => readLaw(ctx, reader)),
    close: async () => (await opened?.catch(() => undefined))?.close(),
  }
}

function once<T>(look: () => Promise<T>): () => Promise<T> {
  let found: Promise<T> | undefined
  return () => {
    found ??= look()
    return found
  }
}

async function openRecord(ctx: Context) {
  const location = storeLocation(ctx)
  if (location.kind === "sqlite" && !existsSync(join(location.directory, "record.db"))) return undefined
  return openReader(ctx)
}

async function readLaw(ctx: Context, reader: Tools["reader"]): Promise<Law> {
  const { name: project, directory } = findProject(ctx.cwd)
  const org = ctx.env["NANOGUARD_ORG_POLICY"]
  const layers = { skipLocal: Boolean(ctx.env["CI"]), ...(org && { orgFile: resolve(ctx.cwd, org) }) }
  const texts = await readPolicyFiles({ ...layers, directory })
  const db = (await reader())?.db
  if (!db) return { project, texts }
  const adopted = await findAdopted(db, project).catch((error: unknown) => {
    if (error instanceof NanoguardError && error.exit === EXIT.configuration) return error.message
    throw error
  })
  return { project, texts, ...(adopted !== undefined && { adopted }) }
}
