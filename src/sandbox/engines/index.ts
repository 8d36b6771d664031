// All engines, and which one a box is run by.
import type { Context } from "../../context.ts"
import { EXIT, NanoguardError } from "../../errors.ts"
import type { Sandbox } from "../../policy/compiled.ts"
import type { Engine, EngineName } from "../types.ts"
import { createApple } from "./apple.ts"
import { createBubblewrap } from "./bubblewrap.ts"
import { createDocker } from "./docker.ts"
import { createPodman } from "./podman.ts"

/** Every engine that nanoguard knows, in the order in which they are preferred; whether this machine has them is for each to say. */
export function openEngines(ctx: Context): Engine[] {
  return [createDocker(ctx), createPodman(ctx), createApple(ctx), createBubblewrap(ctx)]
}

export interface Wanted {
  /** By option or policy; the first that is there where absent or `auto`. */
  wanted?: Sandbox["engine"]
  /** OCI runtime that it must have. */
  runtime?: string
}

/**
 * The engine for a box. Throws `NanoguardError` (environment) where there is none, or not the wanted one: never another instead, and
 * never no box. Starts no process for Docker and Podman.
 */
export async function chooseEngine(ctx: Context, { wanted = "auto", runtime }: Wanted = {}): Promise<Engine> {
  const engines = openEngines(ctx).filter(({ name }) => wanted === "auto" || name === wanted)
  const reasons: { name: EngineName; why: string; how: string }[] = []
  for (const engine of engines) {
    const missing = await whyNot(engine, runtime)
    if (missing === undefined) return engine
    reasons.push({ name: engine.name, ...missing })
  }
  const [first] = reasons
  if (reasons.length === 1 && first !== undefined)
    throw new NanoguardError(`${first.name} cannot run a box: ${first.why}`, {
      exit: EXIT.environment,
      hint: first.how,
    })
  const list = reasons.map(({ name, why }) => `${name}: ${why}`).join("; ")
  throw new NanoguardError(`nothing here can run a box: ${list}`, {
    exit: EXIT.environment,
    hint: process.platform === "linux" ? "apt-get install bubblewrap, or install Podman or Docker" : first!.how,
  })
}

async function whyNot(engine: Engine, runtime: string | undefined) {
  if (runtime !== undefined && !engine.images)
    return { why: "it has no OCI runtimes", how: "leave sandbox.runtime out, or use Docker or Podman" }
  if (engine.missing !== undefined) return engine.missing(runtime)
  const { available, missing } = await engine.probe()
  return available ? undefined : (missing ?? { why: "it is not available", how: "nanoguard doctor" })
}
