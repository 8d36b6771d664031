// A swarm, read: agents side by side, parents before their children.
import type { AskedScope } from "../../gateway/boxes/types.ts"
import type { EngineName } from "../types.ts"
import type { WorkspaceMode } from "../workspace/types.ts"

export interface SwarmAgent {
  name: string
  command: readonly string[]
  /** Its workspace below the project, with forward slashes; "" for all of it. */
  directory: string
  workspace: WorkspaceMode
  /** Whether it has a directory that outlives its runs. */
  memory: boolean
  /** Name of the agent that it ends with, and that it has no more rights than. */
  parent?: string
  scope: AskedScope
  engine?: EngineName
  image?: string
  timeout?: string
}

export interface SwarmMessage {
  from: string
  to: string
}

export interface Swarm {
  agents: readonly SwarmAgent[]
  /** Who may leave files for whom. */
  messages: readonly SwarmMessage[]
}
