// One run from beginning to end: the policy in force, an engine, the workspace, the gate, the box; then what it came to, and everything undone.
import type { Context } from "../context.ts"
import { EXIT, NanoguardError } from "../errors.ts"
import type { AskedScope, BoxEvent, BoxSummary, OpenedBox, PublishedPort } from "../gateway/boxes/types.ts"
import type { PolicyInForce } from "../gateway/control.ts"
import { askGate } from "../gateway/control-client.ts"
import type { CompiledPolicy } from "../policy/compiled.ts"
import { readAsked } from "./asked.ts"
import { attend } from "./attend.ts"
import { boxDirectory, ownIdentity, removeBoxDirectory, removeBoxFile, writeBoxFile } from "./boxes.ts"
import { chooseEngine } from "./engines/index.ts"
import { createHand } from "./hand.ts"
import { buildSpec, readTimeout } from "./spec.ts"
import { attachLaunch, type Ended } from "./terminal/attach.ts"
import type { BoxMount, BoxSpec, EngineName } from "./types.ts"
import { openWorkspace } from "./workspace/open.ts"
import { surveyWorkspace } from "./workspace/survey.ts"
import type { Workspace, WorkspaceMode, WorkspaceReport } from "./workspace/types.ts"

export interface RunRequest {
  agent: string
  operator: string
  command: readonly string[]
  /** The directory that becomes the workspace, absolute; `ctx.cwd` is in it. */
  root: string
  engine?: "auto" | EngineName | undefined
  runtime?: string | undefined
  image?: string | undefined
  workspace?: WorkspaceMode | undefined
  /** Ports of the host's loopback that lead into the box. */
  publish?: readonly PublishedPort[]
  /** `5432:db.example:5432`: ports of the box that lead out by raw TCP, where a rule says so. */
  forward?: readonly string[]
  /** Such as `30m`. */
  timeout?: string | undefined
  parent?: string | undefined
  /** Further mounts for the box's user: an agent's memory, messages of others. */
  mounts?: (user: BoxSpec["user"]) => readonly BoxMount[]
  /** Rights narrower than the policy. */
  scope?: AskedScope
  tty: boolean
  /** Where its standard input comes from; the person's where absent. */
  input?: "inherit" | "ignore"
  /** What it prints is kept on the host: `transcriptPath`. */
  keepOutput?: boolean
  /** Ends the run. */
  signal?: AbortSignal
}

export interface RunHooks {
  /** Everything is ready, and the box starts next. */
  onStart: (started: Started) => void
  onEvent: (event: BoxEvent) => void
  /** It stands still, or goes on. `why` is one of the policy's `pause-when`. */
  onPause: (why: string, paused: boolean) => void
  /** Something is not as it should be: one sentence. */
  onNote: (note: string) => void
}

export interface Started {
  run: string
  law: PolicyInForce
  spec: BoxSpec
  engine: EngineName
  workspace: Workspace
  notes: readonly string[]
}

export interface RunOutcome {
  run: string
  /** Of the command; 124 where its time was over, 137 where it was killed. */
  exit: number
  ended: "itself" | "timeout" | "killed"
  /** Why it was ended, where that was no person's kill. */
  reason?: string
  summary: BoxSummary | undefined
  report: WorkspaceReport
  workspace: Workspace
  /** Removes what is left of the run on the host. With `keep` what was not applied stays, for `reviewKept`. */
  close: (keep?: boolean) => Promise<void>
}

/**
 * Runs a command in a box behind the gate that runs here. Errors: environment (no engine, no image, no gate), configuration (mounts),
 * and what the gate refuses; nothing is left behind then.
 */
export async function runBox(ctx: Context, request: RunRequest, hooks: RunHooks): Promise<RunOutcome> {
  const law = (await askGate<PolicyInForce>(ctx, "GET", "/v1/policy"))!
  const { sandbox } = law
  const runtime = request.runtime ?? sandbox.runtime
  const engine = await chooseEngine(ctx, {
    wanted: request.engine ?? sandbox.engine ?? "auto",
    ...(runtime !== undefined && { runtime }),
  })
  const image = engine.images ? (request.image ?? sandbox.image) : undefined
  if (engine.images && image === undefined) throw noImage(engine.name)
  const place = { root: request.root, mode: modeOf(request, law), policy: await policyOf(law) }
  const asked = await readAsked(ctx, request, { engine: engine.name, image, mode: place.mode })
  // Looked at while the gate writes its record.
  const [answer, survey] = await Promise.allSettled([
    askGate<OpenedBox>(ctx, "POST", "/v1/boxes", asked),
    surveyWorkspace(ctx, place),
  ])
  if (answer.status === "rejected") throw answer.reason
  const opened = answer.value!
  const undo: ((keep: boolean) => Promise<unknown> | unknown)[] = [
    (keep) => (keep ? removeBoxFile(ctx, opened.run) : removeBoxDirectory(ctx, opened.run)),
  ]
  const close = async (keep = false) => {
    const failed: unknown[] = []
    for (const one of undo.splice(0).reverse()) {
      try {
        await one(keep)
      } catch (error) {
        failed.push(error)
      }
    }
    if (failed.length > 0) throw failed[0]
  }
  // Whatever becomes of it, the gate is told that it is over, once.
  let ended: Promise<BoxSummary | undefined> | undefined
  const endBox = (exit?: number) => {
    ended ??= askGate<BoxSummary>(ctx, "DELETE", `/v1/boxes/${opened.run}`, exit === undefined ? {} : { exit })
    return ended
  }
  undo.push(() => endBox().catch(() => undefined))
  try {
    if (survey.status === "rejected") throw survey.reason
    const workspace = await openWorkspace(ctx, {
      ...{ ...place, cwd: ctx.cwd, run: opened.run, directory: boxDirectory(ctx, opened.run) },
      survey: survey.value,
    })
    undo.push((keep) => keep || workspace.discard())
    writeBoxFile(ctx, {
      ...{ schema: "nanoguard.box/1", run: opened.run, agent: request.agent, operator: request.operator },
      ...{ project: law.project, engine: engine.name, owner: ownIdentity(), started: ctx.now() },
      ...{ command: request.command, leftovers: workspace.leftovers },
      ...(request.parent !== undefined && { parent: request.parent }),
    })
    const spec = buildSpec({
      ...{ opened, agent: request.agent, command: request.command, sandbox, workspace, env: ctx.env },
      ...{
        tty: request.tty,
        image,
        runtime,
        relay: relayOptions(request),
        mounts: request.mounts?.(workspace.user) ?? [],
      },
    })
    if (workspace.decisions.length > 0) {
      const { recordMounts } = await import("./record-mounts.ts")
      await recordMounts(ctx, request, { run: opened.run, decisions: workspace.decisions })
    }
    const launch = await engine.launch(spec)
    for (const warning of launch.warnings ?? []) hooks.onNote(warning)
    const hand = createHand(engine, spec)
    // Once: nothing of the box runs after it.
    let removed: Promise<void> | undefined
    const removeBox = () => {
      removed ??= hand.remove()
      return removed
    }
    undo.push(removeBox)
    hooks.onStart({ run: opened.run, law, spec, engine: engine.name, workspace, notes: opened.notes })
    const attended = attend(ctx, request, { asked, opened, law, hand, hooks })
    const timeout = readTimeout(request.timeout, sandbox.timeout)
    let said = ""
    const onOutput = (chunk: Uint8Array) => {
      if (said.length < SAID) said += Buffer.from(chunk).toString("latin1")
    }
    const attached = await attachLaunch(ctx, launch, {
      ...{ tty: request.tty, signal: attended.signal, onNote: hooks.onNote, onOutput, stop: hand.stop },
      ...(timeout !== undefined && { timeout }),
      ...(request.input && { input: request.input }),
      ...(request.keepOutput && { transcript: opened.run }),
    }).finally(attended.end)
    const outcome = outcomeOf(attached, attended.killed())
    // What started the box may be gone before the box is, such as a client of Docker that nobody reads any more.
    await removeBox()
    const summing = endBox(outcome.exit).catch(() => undefined)
    const report = await workspace.finish()
    const summary = await summing
    // The relay asks the gate first of all, so nothing of the command has run: what failed is what starts boxes.
    if (
      summary?.heard === false &&
      outcome.exit > 0 &&
      outcome.exit < 128 &&
      attached.by === undefined &&
      !attended.lost()
    ) {
      const { explainLaunchFailure } = await import("./engines/launchFailure.ts")
      throw explainLaunchFailure(engine.name, outcome.exit, said)
    }
    return { run: opened.run, ...outcome, summary, report, workspace, close }
  } catch (error) {
    await close().catch(() => {})
    throw error
  }
}

/** Characters of what a launcher says that are looked at where its box does not start. */
const SAID = 16_384

function outcomeOf({ code, by }: Ended, killed?: { reason?: string }): Pick<RunOutcome, "exit" | "ended" | "reason"> {
  if (killed) return { exit: 137, ended: "killed", ...killed }
  return { exit: code, ended: by === "timeout" ? "timeout" : "itself" }
}

const modeOf = ({ workspace }: RunRequest, { sandbox }: PolicyInForce): WorkspaceMode =>
  workspace ?? sandbox.workspace ?? "direct"

/** The policy as the gate has it. Rules on mounts are compiled where there is a mount to decide; else only the box's section counts. */
async function policyOf({ sandbox, texts }: PolicyInForce): Promise<CompiledPolicy> {
  if ((sandbox.mounts ?? []).length === 0) return { sandbox } as CompiledPolicy
  const { loadPolicyTexts } = await import("../policy/load.ts")
  return loadPolicyTexts([...texts])
}

function relayOptions({ publish = [], forward = [] }: RunRequest): string[] {
  return [...publish.flatMap(({ box }) => ["--publish", String(box)]), ...forward.flatMap((one) => ["--forward", one])]
}

function noImage(engine: EngineName): NanoguardError {
  return new NanoguardError(`${engine} makes a box of an image, and none is named`, {
    exit: EXIT.environment,
    hint: "build one with `nanoguard init --build-image`, name one with --image, or run with --engine bubblewrap",
  })
}
