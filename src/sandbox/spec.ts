// What a box is made of, put together from the policy, the gate and the workspace: data in, data out.

import type { OpenedBox } from "../gateway/boxes/types.ts"
import type { Sandbox } from "../policy/compiled.ts"
import { parseDuration } from "../policy/duration.ts"
import { terminalEnv } from "./terminal-env.ts"
import { type BoxMount, type BoxSpec, IN_BOX } from "./types.ts"
import type { Workspace } from "./workspace/types.ts"

export interface SpecInput {
  opened: Pick<OpenedBox, "run" | "directory" | "env">
  agent: string
  command: readonly string[]
  sandbox: Sandbox
  workspace: Pick<Workspace, "mounts" | "cwd" | "user">
  /** The person's environment: only what the policy names of it enters the box. */
  env: Readonly<Record<string, string | undefined>>
  tty: boolean
  image?: string | undefined
  runtime?: string | undefined
  /** Options of the relay, before the command. */
  relay: readonly string[]
  /** Further mounts, such as an agent's memory in a swarm. */
  mounts?: readonly BoxMount[]
}

/** Where a policy says nothing. */
const DEFAULTS = { memory: "4g", disk: "2g", fileSize: "16g", pids: 512, files: 16_384 } as const

/** The box of a run. */
export function buildSpec(input: SpecInput): BoxSpec {
  const { opened, agent, command, sandbox, workspace, image, runtime } = input
  const disk = readAmount(sandbox.disk ?? DEFAULTS.disk)
  return {
    ...{ run: opened.run, agent, cwd: "/", user: workspace.user, tty: input.tty, hostname: "box" },
    ...(image !== undefined && { image }),
    ...(runtime !== undefined && { runtime }),
    // The relay enters the workspace, as the box's user: root without its capabilities may not.
    command: ["node", IN_BOX.relay, "--cwd", workspace.cwd, ...input.relay, "--", ...command],
    // What leads through the gate comes last: nothing of the person's environment may lead round it.
    env: { ...passedOn(input.env, sandbox.env ?? []), ...terminalEnv(input), ...opened.env },
    mounts: [
      // Programs are run from all three: what may be written in a box and run is the agent's own either way.
      { kind: "tmpfs", target: IN_BOX.home, size: disk, mode: 0o1777, exec: true },
      { kind: "tmpfs", target: "/tmp", size: disk, mode: 0o1777, exec: true },
      { kind: "tmpfs", target: "/var/tmp", size: disk, mode: 0o1777, exec: true },
      ...workspace.mounts,
      ...(input.mounts ?? []),
      { kind: "bind", source: opened.directory, target: IN_BOX.nanoguard, write: false },
    ],
    limits: {
      memory: readAmount(sandbox.memory ?? DEFAULTS.memory),
      ...(sandbox.cpus !== undefined && { cpus: sandbox.cpus }),
      ...{ pids: sandbox.pids ?? DEFAULTS.pids, files: DEFAULTS.files },
      fileSize: readAmount(sandbox["file-size"] ?? DEFAULTS.fileSize),
    },
  }
}

/** Bytes of an amount such as `512m` or `4g`. */
export function readAmount(text: string): number {
  return Number.parseInt(text, 10) * (text.endsWith("g") ? 2 ** 30 : 2 ** 20)
}

/** Milliseconds after which a run is ended; the shorter of what a person and the policy say. */
export function readTimeout(option: string | undefined, policy: string | undefined): number | undefined {
  const given = [option, policy].flatMap((text) => (text === undefined ? [] : [readSpan(text)]))
  return given.length === 0 ? undefined : Math.min(...given)
}

const readSpan = (text: string) => (text.endsWith("s") ? Number.parseInt(text, 10) * 1000 : parseDuration(text))

function passedOn(env: SpecInput["env"], names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])))
}
