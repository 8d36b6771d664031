// What a run needs before anything is made for it: the policy in force, an engine, an image, the gate's leave, and a look at the workspace.
import { setImmediate as turn } from "node:timers/promises"
import type { Context } from "../context.ts"
import { EXIT, NanoguardError } from "../errors.ts"
import type { BoxRequest, OpenedBox } from "../gateway/boxes/types.ts"
import type { PolicyInForce } from "../gateway/control.ts"
import { askGate } from "../gateway/control-client.ts"
import type { CompiledPolicy } from "../policy/compiled.ts"
import { readAsked } from "./asked.ts"
import { chooseEngine } from "./engines/index.ts"
import { type Look, openLook } from "./neighbours/look.ts"
import { placesOfStart } from "./neighbours/places.ts"
import type { RunRequest } from "./run-types.ts"
import type { Engine, EngineName } from "./types.ts"
import { modeOf, type Survey, surveyWorkspace } from "./workspace/survey.ts"
import type { WorkspaceMode } from "./workspace/types.ts"

export interface PreparedRun {
  law: PolicyInForce
  engine: Engine
  /** OCI runtime that was asked for, by a person or by the policy. */
  runtime: string | undefined
  /** None for an engine that makes boxes without. */
  image: string | undefined
  place: { root: string; mode: WorkspaceMode; policy: CompiledPolicy }
  /** What the box was opened with, and what the gate answered: from here on it has to be told of the end. */
  asked: BoxRequest
  opened: OpenedBox
  /** During which the workspace was surveyed; undefined where it could not be opened, and `survey` says why then. */
  look: Look | undefined
  /** Where the look is. */
  places: readonly string[]
  survey: PromiseSettledResult<Survey>
}

/**
 * Asks the gate for a box while the workspace is looked at. Errors: environment (no engine, no image, no gate), what the gate refuses, and
 * the reason of `interrupted`; nothing is left open then. What went wrong with the workspace is for `takeSurvey` to throw, once the gate can be told.
 */
export async function prepareRun(ctx: Context, request: RunRequest, interrupted: AbortSignal): Promise<PreparedRun> {
  const law = (await askGate<PolicyInForce>(ctx, "GET", "/v1/policy"))!
  const { sandbox } = law
  const runtime = request.runtime ?? sandbox.runtime
  const engine = await chooseEngine(ctx, {
    wanted: request.engine ?? sandbox.engine ?? "auto",
    ...(runtime !== undefined && { runtime }),
  })
  engine.expect?.()
  const image = engine.images ? (request.image ?? sandbox.image) : undefined
  if (engine.images && image === undefined) throw noImage(engine.name)
  const place = { root: request.root, mode: modeOf(request.workspace, sandbox), policy: await policyOf(law) }
  const asked = await readAsked(ctx, request, { engine: engine.name, image, mode: place.mode })
  interrupted.throwIfAborted()
  // On its way before this process has anything else to do.
  const asking = askGate<OpenedBox>(ctx, "POST", "/v1/boxes", asked)
  let places: readonly string[] = []
  const looking = turn().then(() => {
    const wanted = placesOfStart(ctx, place)
    places = wanted.places
    return openLook(ctx, { ...wanted, interrupted })
  })
  // Looked at while the gate writes its record; nothing of another box changes names there until this one has its mounts.
  const [answer, survey, looked] = await Promise.allSettled([
    asking,
    looking.then(() => {
      const surveyed = surveyWorkspace(ctx, place)
      // After the walk, and while git and the gate are at it.
      setImmediate(warm, ctx)
      return surveyed
    }),
    looking,
  ])
  const look = looked.status === "fulfilled" ? looked.value : undefined
  if (answer.status === "rejected") {
    look?.close()
    throw answer.reason
  }
  return { law, engine, runtime, image, place, asked, opened: answer.value!, look, places, survey }
}

/** What was seen of the workspace. Throws what went wrong with it, and where the look is at other places than what was found. */
export function takeSurvey({ survey, place, places }: Pick<PreparedRun, "survey" | "place" | "places">): Survey {
  if (survey.status === "rejected") throw survey.reason
  if (place.mode !== "none") requireSame(survey.value, places)
  return survey.value
}

/** Throws where the look is at other places than what was found: a box that works above exchanged them before it stood still. */
function requireSame({ root, repository }: Survey, places: readonly string[]): void {
  const found = [root, ...(repository ? [repository.gitDirectory, repository.common] : [])]
  if (found.every((path) => places.includes(path))) return
  throw new NanoguardError("something else is where the workspace was a moment ago", {
    exit: EXIT.environment,
    where: { file: root },
    hint: "a box that works in a directory above may have exchanged it: see nanoguard ps",
  })
}

/** What the next steps need, and Node makes when it is first asked for: modules, and a stream of stdin; 10 ms in all. */
function warm(ctx: Context): void {
  for (const name of ["node:crypto", "node:child_process"] as const) process.getBuiltinModule(name)
  void ctx.stdin
}

/** The policy as the gate has it. Rules on mounts are compiled where there is a mount to decide; else only the box's section counts. */
async function policyOf({ sandbox, texts }: PolicyInForce): Promise<CompiledPolicy> {
  if ((sandbox.mounts ?? []).length === 0) return { sandbox } as CompiledPolicy
  const { loadPolicyTexts } = await import("../policy/load.ts")
  return loadPolicyTexts([...texts])
}

function noImage(engine: EngineName): NanoguardError {
  return new NanoguardError(`${engine} makes a box of an image, and none is named`, {
    exit: EXIT.environment,
    hint: "build one with `nanoguard init --build-image`, name one with --image, or run with --engine bubblewrap",
  })
}
