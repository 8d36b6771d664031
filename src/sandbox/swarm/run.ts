// Several agents side by side, each in a box of its own: its identity, its rights, its workspace, its memory.
import type { Context, Output } from "../../context.ts"
import type { Begin } from "../../gateway/join.ts"
import { type RunHooks, type RunOutcome, type RunRequest, runBox } from "../run.ts"
import { readTimeout } from "../spec.ts"
import { findDirectory, requireFound } from "./find-directory.ts"
import { swarmMounts } from "./places.ts"
import type { Swarm, SwarmAgent } from "./types.ts"

export interface SwarmRequest {
  swarm: Swarm
  /** The project, absolute: workspaces are in it. */
  root: string
  /** As the gate has it: whose memory it is. */
  project: string
  /** What holds for every agent where its own entry says nothing. */
  base: Pick<RunRequest, "operator" | "engine" | "runtime" | "image" | "timeout">
}

export interface SwarmHooks {
  /** Behind which gate each box begins. */
  begin: Begin
  /** Where an agent's lines go. */
  outputOf: (agent: SwarmAgent) => Output
  hooksOf: (agent: SwarmAgent) => RunHooks
}

export interface AgentOutcome {
  agent: SwarmAgent
  /** Undefined where it did not start, or its box failed: `error` says why. */
  outcome?: RunOutcome
  error?: unknown
}

/** Runs a swarm until its last agent is done. Children start once their parent's box is open; where that does not open, they do not start. */
export async function runSwarm(ctx: Context, request: SwarmRequest, hooks: SwarmHooks): Promise<AgentOutcome[]> {
  const { swarm, base } = request
  const opened = new Map<string, PromiseWithResolvers<string>>()
  for (const { name } of swarm.agents) {
    const one = Promise.withResolvers<string>()
    one.promise.catch(() => {})
    opened.set(name, one)
  }
  const runOne = async (agent: SwarmAgent): Promise<AgentOutcome> => {
    const own = opened.get(agent.name)!
    const output = hooks.outputOf(agent)
    try {
      const parent = agent.parent === undefined ? undefined : await opened.get(agent.parent)!.promise
      const root = await findDirectory(ctx, request.root, agent)
      const told = hooks.hooksOf(agent)
      const inBox = { ...ctx, cwd: root, stdin: ctx.stdin, stdout: output, stderr: output }
      const outcome = await hooks.begin((begun) =>
        runBox(
          inBox,
          {
            ...{
              ...base,
              agent: agent.name,
              command: agent.command,
              root,
              workspace: agent.workspace,
              scope: agent.scope,
            },
            ...(agent.engine && { engine: agent.engine }),
            ...(agent.image !== undefined && { image: agent.image }),
            timeout: shorter(agent.timeout, base.timeout),
            ...(parent !== undefined && { parent }),
            ...{ tty: false, input: "ignore", keepOutput: true },
            mounts: (user) => swarmMounts(ctx, request.project, swarm, agent, user),
          },
          {
            ...told,
            onStart: (started) => {
              begun()
              requireFound(root, started.workspace)
              own.resolve(started.run)
              told.onStart(started)
            },
          },
        ),
      )
      return { agent, outcome }
    } catch (error) {
      own.reject(error)
      return { agent, error }
    } finally {
      output.end()
    }
  }
  return Promise.all(swarm.agents.map(runOne))
}

/** The shorter of two durations, where each may be absent. */
function shorter(one: string | undefined, other: string | undefined): string | undefined {
  if (one === undefined || other === undefined) return one ?? other
  return readTimeout(one, undefined)! < readTimeout(other, undefined)! ? one : other
}
