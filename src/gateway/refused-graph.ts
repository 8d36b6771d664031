// Who wants a refused package, as far as the gate can tell: by the run's own lockfile, else by what its requests say.
import { managerOf } from "../packages/commands.ts"
import { purlOf } from "../packages/purl.ts"
import { plainRange } from "../packages/ranges.ts"
import type { Dependency, Lockfile, LockfileFormat } from "../packages/types.ts"
import { satisfies } from "../packages/versions.ts"
import type { Ecosystem } from "../policy/types.ts"
import type { Overrides } from "./pnpm-overrides.ts"
import type { Client } from "./types.ts"

/** A package that the run takes, and the range in which it wants the refused one. */
export interface Parent {
  name: string
  version: string
  range: string
  /** Not by the version that a resolver takes if nobody says another. */
  unlikely?: true
}

export interface Refused {
  client: Client
  ecosystem: Ecosystem
  name: string
  version: string
  /** What the wrapper of the run told of its project. */
  project?:
    | {
        direct?: Partial<Record<Ecosystem, readonly string[]>>
        lockfiles?: readonly Lockfile[]
        /** What pnpm-workspace.yaml forces already. */
        overrides?: Overrides
      }
    | undefined
  /** Who requires a package, by the metadata that the run was served. */
  parents?: ((name: string, version: string) => readonly Parent[]) | undefined
}

type Form = Pick<Lockfile, "format" | "formatVersion">

/** The lockfile that a client writes: it names the package manager of the command. */
const FORMS: Readonly<Partial<Record<Client, [Ecosystem, LockfileFormat, string]>>> = {
  npm: ["npm", "package-lock.json", "3"],
  pnpm: ["npm", "pnpm-lock.yaml", "9.0"],
  "pnpm-classic": ["npm", "pnpm-lock.yaml", "9.0"],
  yarn: ["npm", "yarn.lock", "berry-8"],
  "yarn-classic": ["npm", "yarn.lock", "1"],
  bun: ["npm", "bun.lock", "1"],
  pip: ["pypi", "requirements.txt", ""],
  uv: ["pypi", "uv.lock", "1"],
  poetry: ["pypi", "poetry.lock", "2.1"],
  pdm: ["pypi", "pdm.lock", "4.5.0"],
  cargo: ["cargo", "Cargo.lock", "4"],
  go: ["golang", "go.mod", ""],
}
const MAX_DEPTH = 8
const MAX_NODES = 200

/** The graph to correct in, and the refused package in it; `fresh` where no lockfile holds what it says. */
export function refusedGraph(refused: Refused): { lockfile: Lockfile; dependency: Dependency; fresh: boolean } {
  const locked = lockedGraph(refused)
  return locked === undefined ? { ...inferredGraph(refused), fresh: true } : { ...locked, fresh: false }
}

/** The run's own lockfile, if it is the client's and has exactly this version. */
function lockedGraph({ client, ecosystem, name, version, project }: Refused) {
  const manager = managerOf(formOf(client, ecosystem))
  for (const lockfile of project?.lockfiles ?? []) {
    if (manager !== undefined && managerOf(lockfile) !== manager) continue
    const dependency = lockfile.dependencies.find(
      (entry) => entry.ecosystem === ecosystem && entry.name === name && entry.version === version,
    )
    if (dependency !== undefined) return { lockfile: behindGate(lockfile), dependency }
  }
  return undefined
}

function formOf(client: Client, ecosystem: Ecosystem): Form {
  const only: Partial<Record<Ecosystem, Client>> = { cargo: "cargo", golang: "go" }
  const [of, format, formatVersion] = FORMS[only[ecosystem] ?? client] ?? []
  // A bill of materials belongs to no manager, so that no command is named.
  if (of !== ecosystem || format === undefined) return { format: "cyclonedx", formatVersion: "" }
  return { format, formatVersion: formatVersion ?? "" }
}

const behind = new WeakMap<Lockfile, Lockfile>()

/** Addresses in a lockfile that was written behind the gate are the gate's: what counts is where it would get a package from. */
function behindGate(lockfile: Lockfile): Lockfile {
  let known = behind.get(lockfile)
  if (known === undefined) {
    const plain = (entry: Dependency): Dependency =>
      entry.source.kind === "registry" ? { ...entry, source: { kind: "registry", origin: "default" } } : entry
    known = { ...lockfile, dependencies: lockfile.dependencies.map(plain) }
    behind.set(lockfile, known)
  }
  return known
}

/**
 * The package, and above it those that want it in a range that this version is in, up to where nobody is known to want a package: that
 * is taken for the project's own, and so is what the wrapper says is.
 */
function inferredGraph({ client, ecosystem, name, version, project, parents }: Refused) {
  const direct = new Set(project?.direct?.[ecosystem])
  const dependencies = new Map<string, Dependency>()
  const edges: { from: string; to: string; range: string }[] = []
  const add = (of: string, at: string, depth: number): Dependency => {
    const key = `${of}@${at}`
    const known = dependencies.get(key)
    if (known !== undefined) return known
    const entry = entryOf(ecosystem, of, at, key)
    dependencies.set(key, entry)
    const within = depth < MAX_DEPTH && dependencies.size < MAX_NODES
    for (const parent of within ? (parents?.(of, at) ?? []) : []) {
      if (!satisfies(ecosystem, at, plainRange(parent.range)) || (parent.unlikely && direct.has(of))) continue
      edges.push({ from: add(parent.name, parent.version, depth + 1).key, to: key, range: parent.range })
    }
    if (direct.has(of) || !edges.some(({ to }) => to === key)) {
      entry.direct = true
      edges.push({ from: "", to: key, range: "" })
    }
    return entry
  }
  const dependency = add(name, version, 0)
  const lockfile: Lockfile = {
    ...formOf(client, ecosystem),
    path: "",
    dependencies: [...dependencies.values()],
    edges,
    roots: [{ key: "", name: "" }],
    warnings: [],
    lineOf: () => 1,
  }
  return { lockfile, dependency }
}

function entryOf(ecosystem: Ecosystem, name: string, version: string, key: string): Dependency {
  return {
    purl: purlOf(ecosystem, name, version),
    ecosystem,
    name,
    version,
    source: { kind: "registry", origin: "default" },
    integrity: [],
    dev: false,
    optional: false,
    peer: false,
    direct: false,
    key,
  }
}
