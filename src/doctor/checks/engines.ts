// What runs boxes here, and how far apart they really are.
import type { Context } from "../../context.ts"
import { chooseEngine, openEngines } from "../../sandbox/engines/index.ts"
import type { Engine, EngineReport } from "../../sandbox/types.ts"
import type { Check, Finding, Tools } from "../types.ts"

/** One check for each engine that nanoguard knows, and before them the one that `run` would take. */
export function engineChecks(ctx: Context): Check[] {
  return [
    { id: "engine", title: "Box", run: judgeChoice },
    ...openEngines(ctx).map(
      (engine): Check => ({ id: `engine.${engine.name}`, title: `  ${engine.name}`, run: () => judgeEngine(engine) }),
    ),
  ]
}

async function judgeEngine(engine: Engine): Promise<Finding> {
  const { available, version, isolation, warnings, missing, runtimes } = await engine.probe()
  const facts: Finding["facts"] = {
    ...{ available, isolation, warnings },
    ...(version !== undefined && { version }),
    ...(runtimes !== undefined && { runtimes }),
  }
  if (!available) return { state: "skip", facts, ...describeMissing(missing) }
  const named = version === undefined ? "" : `${version}: `
  if (warnings.length > 0) return { state: "warn", facts, why: `${named}${warnings.join("; ")}` }
  return { state: "ok", facts, why: `${named}${isolation.join("; ")}` }
}

/** A way that is one command is the fix; any other is told. */
function describeMissing(missing: EngineReport["missing"]): Pick<Finding, "why" | "fix"> {
  if (!missing) return { why: "it is not available" }
  const command = /^(?:apt-get|systemctl|brew|container|runsc) [\w./ =-]+$/.test(missing.how) ? missing.how : undefined
  return command === undefined ? { why: `${missing.why}; ${missing.how}` } : { why: missing.why, fix: command }
}

/** The engine that a run takes, by the policy in force, and whether the image that it needs is named. */
async function judgeChoice({ ctx, law }: Tools): Promise<Finding> {
  const adopted = await law().then(
    (found) => found.adopted,
    () => undefined,
  )
  const sandbox = adopted === undefined || typeof adopted === "string" ? {} : adopted.policy.sandbox

  const { engine: wanted, runtime, image } = sandbox
  const engine = await chooseEngine(ctx, {
    ...(wanted !== undefined && { wanted }),
    ...(runtime !== undefined && { runtime }),
  })
  const facts = {
    ...{ engine: engine.name, wanted: wanted ?? "auto" },
    ...(runtime !== undefined && { runtime }),
    ...(image !== undefined && { image }),
  }
  if (engine.images && image === undefined)
    return {
      ...{ state: "warn", facts, fix: "nanoguard init --build-image" },
      why: `${engine.name} would run it, and no image is named in the policy`,
    }
  return { state: "ok", facts, why: `${engine.name}${runtime === undefined ? "" : ` with ${runtime}`} runs it` }
}
