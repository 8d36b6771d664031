// The contracts of the box: what one is made of, what runs it, and what is kept of it on the host while it is there.
import type { ENGINES } from "../policy/sandbox-names.ts"
import type { Owner } from "./owner.ts"

export type EngineName = (typeof ENGINES)[number]

/** What enters the box's file system besides its own read-only root. In order: a later one may lie below an earlier one. */
export type BoxMount =
  /** `source` is a real path of the host, checked by whoever made this. */
  | { kind: "bind"; source: string; target: string; write: boolean }
  /** Memory of the box's own: bytes at most, mode in octal; never setuid, never devices. */
  | { kind: "tmpfs"; target: string; size: number; mode: number; exec: boolean }
  /** Something of an earlier mount that the box shall not see: an empty file or directory that cannot be written. */
  | { kind: "mask"; target: string; directory: boolean }

export interface BoxLimits {
  /** Bytes, swap included. */
  memory: number
  /** Processors, as a number with a fraction; all where absent. */
  cpus?: number
  /** Processes and threads. */
  pids: number
  /** Open files of one process. */
  files: number
  /** Bytes of one file. */
  fileSize?: number
}

/** One box, whole: an engine adds nothing of its own but hardening. */
export interface BoxSpec {
  /** `run-` and 12 hex digits: names the box everywhere. */
  run: string
  agent: string
  /** By digest or name; none for an engine that uses the host's own programs. */
  image?: string
  /** OCI runtime; the engine's default where absent. */
  runtime?: string
  /** What runs in it, the relay first: words, no shell. */
  command: readonly string[]
  env: Readonly<Record<string, string>>
  /** Absolute, in the box. */
  cwd: string
  user: { uid: number; gid: number }
  mounts: readonly BoxMount[]
  limits: BoxLimits
  hostname: string
  /** Whether its standard streams are a terminal. */
  tty: boolean
}

/** How a box is started: a command line whose process lives as long as the box does. */
export interface Launch {
  file: string
  args: readonly string[]
  /** The launcher's own environment where it is not that of nanoguard. */
  env?: Readonly<Record<string, string>>
  /** Bytes that the launcher reads from descriptors 3 and following: a compiled seccomp filter. */
  descriptors?: readonly Uint8Array[]
  /** What keeps this box less apart than one would think, as sentences for the person. */
  warnings?: readonly string[]
}

/** A box that an engine knows of, running or not. */
export interface FoundBox {
  run: string
  agent: string
  engine: EngineName
  /** What the engine calls it; a process id for bubblewrap. */
  handle: string
  state: "running" | "frozen" | "stopped"
  /** Its engine takes it away just now, by itself or because somebody asked before. */
  removing?: true
}

/** How an engine stands on this machine. */
export interface EngineReport {
  engine: EngineName
  available: boolean
  version?: string
  /** What keeps the box apart, as short sentences: what it really is here, and not what the engine could do. */
  isolation: readonly string[]
  /** Weaknesses that were found: an old runc, no seccomp, a rootful engine. */
  warnings: readonly string[]
  /** Where it is not available: why, and the command that gets it. */
  missing?: { why: string; how: string }
  /** OCI runtimes that it has. */
  runtimes?: readonly string[]
}

/** What runs boxes. Every method goes by what the engine itself knows, so that it works whoever started a box. */
export interface Engine {
  readonly name: EngineName
  /** True where a box is made of an image. */
  readonly images: boolean
  probe: () => Promise<EngineReport>
  /** What boxes cannot be run for, found in a few milliseconds: for choosing one. By `probe` where an engine has none. */
  missing?: (runtime?: string) => Promise<{ why: string; how: string } | undefined>
  /** A box is launched soon: what takes its time may begin. */
  expect?: () => void
  /** The hardened command line. Throws `NanoguardError` (environment) where this engine cannot keep what `spec` wants. */
  launch: (spec: BoxSpec) => Promise<Launch>
  /** Boxes of nanoguard's, those of other state directories left out. */
  list: () => Promise<FoundBox[]>
  /** Stops every process where it stands; resolves once nothing runs any more. */
  freeze: (box: FoundBox) => Promise<void>
  thaw: (box: FoundBox) => Promise<void>
  /** Asks what runs in it to end, as SIGTERM does; where it is absent, what started the box is asked. */
  terminate?: (box: FoundBox) => Promise<void>
  /** Ends every process at once. This and `remove` fail where a box may still begin afterwards, unless what launches it is gone (`stopped`). */
  kill: (box: FoundBox) => Promise<void>
  /** Removes what is left of a box; fine where there is nothing. */
  remove: (box: FoundBox) => Promise<void>
  /** The same for many at once, where an engine has a quicker way than one after the other. */
  freezeAll?: (boxes: readonly FoundBox[]) => Promise<void>
  killAll?: (boxes: readonly FoundBox[]) => Promise<void>
}

/** What the state directory keeps of a box while it is there: `<state>/boxes/<run>/box.json`, mode 0600. */
export interface BoxFile {
  schema: "nanoguard.box/1"
  run: string
  agent: string
  operator: string
  project: string
  engine: EngineName
  /** Process of `nanoguard run`. */
  owner: Owner
  /** Milliseconds since the epoch. */
  started: number
  /** Run of the agent that started this one. */
  parent?: string
  /** Its first words, each cut (`beginningOf`). */
  command: readonly string[]
  /** Directories of the host that it can write, by their real paths: whoever looks at names in there has it stand still meanwhile. */
  writes: readonly string[]
  /** What has to be undone on the host once the box is gone, whoever does it: absolute paths, directories only if empty. */
  leftovers: readonly { kind: "empty-directory" | "empty-file" | "directory" | "workspace"; path: string }[]
}

/** Who is meant by a kill. */
export type KillTarget = { kind: "all" } | { kind: "agent"; name: string } | { kind: "run"; name: string }

/** Where things are inside of every box. */
export const IN_BOX = {
  workspace: "/workspace",
  home: "/home/agent",
  /** Read-only: the relay, settings, certificates, the socket of the gate. */
  nanoguard: "/run/nanoguard",
  socket: "/run/nanoguard/gate/gate.sock",
  relay: "/run/nanoguard/relay.mjs",
  /** The port of the relay on the box's own loopback: the gate's address as everything in there sees it. */
  port: 8471,
} as const
