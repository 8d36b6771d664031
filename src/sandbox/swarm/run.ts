// Several agents side by side, each in a box of its own: its identity, its rights, its workspace, its memory.
import { join } from "node:path"
import type { Context, Output } from "../../context.ts"
import { EXIT, NanoguardError } from "../../errors.ts"
import { type RunHooks, type RunOutcome, type RunRequest, runBox } from "../run.ts"
import { realPath } from "../workspace/places.ts"
import { swarmMounts } from "./places.ts"
import type { Swarm, SwarmAgent } from "./types.ts"

export interface SwarmRequest {
  swarm: Swarm
  /** The project, absolute: workspaces are in it. */
  root: string
  /** As the gate has it: whose memory it is. */
  project: string
  /** What holds for every agent where its own entry says nothing. */
  base: Pick<RunRequest, "operator" | "engine" | "runtime" | "image" | "timeout" | "signal">
}

export interface SwarmHooks {
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
      const root = directoryOf(request.root, agent)
      const told = hooks.hooksOf(agent)
      const outcome = await runBox(
        { ...ctx, cwd: root, stdin: ctx.stdin, stdout: output, stderr: output },
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
          ...(agent.timeout !== undefined && { timeout: agent.timeout }),
          ...(parent !== undefined && { parent }),
          ...{ tty: false, input: "ignore", keepOutput: true },
          mounts: (user) => swarmMounts(ctx, request.project, swarm, agent, user),
        },
        {
          ...told,
          onStart: (started) => {
            own.resolve(started.run)
            told.onStart(started)
          },
        },
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

/** The workspace of an agent. A link of the repository's could lead to any other directory of the person's, or to that of another agent. */
function directoryOf(project: string, { directory }: Pick<SwarmAgent, "directory">): string {
  const root = join(realPath(project) ?? project, directory)
  if (realPath(root) === root) return root
  throw new NanoguardError("an agent's directory is not there, or a link leads to it", {
    exit: EXIT.configuration,
    where: { file: root },
    hint: "name the directory itself in the swarm's file",
  })
}
