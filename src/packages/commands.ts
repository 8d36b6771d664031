// The exact commands that move a package, for each package manager, as words; a shell line is made of them only to be
// shown. Names and versions come from lockfiles and registries: one that does not fit its ecosystem's grammar never
// becomes a word, and gets no command.

import type { Lockfile } from "./types.ts"
import { isValidVersion } from "./versions.ts"

export type Manager =
  | "npm"
  | "pnpm"
  | "yarn1"
  | "yarn"
  | "bun"
  | "pip"
  | "pipenv"
  | "poetry"
  | "uv"
  | "pdm"
  | "cargo"
  | "go"

/** One change to what a project locks, as data: `vet --fix` carries it out, `commandFor` says how a person would. */
export type Move =
  /** Sets a dependency of the project itself to one version. */
  | { kind: "direct"; name: string; version: string }
  /** Moves a dependency of a dependency to this version, which is within what its parents want. */
  | { kind: "exact"; name: string; version: string }
  /** The same by a manager that only moves to the newest in range; `version` is that newest one. */
  | { kind: "newest"; name: string; version: string }
  /** Forces a version on everyone who wants the package; `range` is what a parent wants. `inRange`: all of them would take it. */
  | { kind: "override"; name: string; version: string; range: string; inRange?: true }
  | { kind: "remove"; name: string }

type Words = readonly string[]

interface Commands {
  direct: (name: string, version: string) => Words
  exact?: (name: string, version: string) => Words
  newest?: (name: string) => Words
  override?: (name: string, version: string) => Words[]
  remove: (name: string) => Words
}

/** Names that need no quoting in a shell: no word that begins with a dash or a dot, nothing a shell expands. */
const NAME: Record<string, RegExp> = {
  npm: /^(@[a-z0-9_][a-z0-9._-]*\/)?[a-z0-9_][a-z0-9._-]*$/i,
  pypi: /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/,
  cargo: /^[a-z][a-z0-9_-]*$/i,
  golang: /^[a-z0-9][a-z0-9.-]*(\/[a-z0-9_][a-z0-9._-]*)*$/i,
}
const VERSION = /^[0-9a-z][0-9a-z.+!_-]*$/i
const MAX_LENGTH = 214

const setField = (field: string, install: Words) => (name: string, version: string) => [
  ["npm", "pkg", "set", `${field}[${name}]=${version}`],
  install,
]

const COMMANDS: Record<Manager, Commands> = {
  npm: {
    direct: (name, version) => ["npm", "install", `${name}@${version}`],
    newest: (name) => ["npm", "update", name],
    override: setField("overrides", ["npm", "install"]),
    remove: (name) => ["npm", "uninstall", name],
  },
  pnpm: {
    direct: (name, version) => ["pnpm", "add", `${name}@${version}`],
    newest: (name) => ["pnpm", "update", "--depth", "Infinity", name],
    remove: (name) => ["pnpm", "remove", name],
  },
  yarn1: {
    direct: (name, version) => ["yarn", "upgrade", `${name}@${version}`],
    override: setField("resolutions", ["yarn", "install"]),
    remove: (name) => ["yarn", "remove", name],
  },
  yarn: {
    direct: (name, version) => ["yarn", "up", `${name}@${version}`],
    newest: (name) => ["yarn", "up", "-R", name],
    override: setField("resolutions", ["yarn", "install"]),
    remove: (name) => ["yarn", "remove", name],
  },
  bun: {
    direct: (name, version) => ["bun", "add", `${name}@${version}`],
    override: setField("overrides", ["bun", "install"]),
    remove: (name) => ["bun", "remove", name],
  },
  pip: {
    direct: (name, version) => ["pip", "install", `${name}==${version}`],
    remove: (name) => ["pip", "uninstall", name],
  },
  pipenv: {
    direct: (name, version) => ["pipenv", "upgrade", `${name}==${version}`],
    remove: (name) => ["pipenv", "uninstall", name],
  },
  poetry: {
    direct: (name, version) => ["poetry", "add", `${name}==${version}`],
    newest: (name) => ["poetry", "update", name],
    remove: (name) => ["poetry", "remove", name],
  },
  uv: {
    direct: (name, version) => ["uv", "add", `${name}==${version}`],
    exact: (name, version) => ["uv", "lock", "--upgrade-package", `${name}==${version}`],
    newest: (name) => ["uv", "lock", "--upgrade-package", name],
    remove: (name) => ["uv", "remove", name],
  },
  pdm: {
    direct: (name, version) => ["pdm", "add", `${name}==${version}`],
    newest: (name) => ["pdm", "update", name],
    remove: (name) => ["pdm", "remove", name],
  },
  cargo: {
    direct: (name, version) => ["cargo", "add", `${name}@=${version}`],
    exact: (name, version) => ["cargo", "update", name, "--precise", version],
    newest: (name) => ["cargo", "update", name],
    remove: (name) => ["cargo", "remove", name],
  },
  go: {
    direct: (name, version) => ["go", "get", `${name}@${version}`],
    exact: (name, version) => ["go", "get", `${name}@${version}`],
    newest: (name) => ["go", "get", `${name}@latest`],
    override: (name, version) => [
      ["go", "mod", "edit", `-replace=${name}=${name}@${version}`],
      ["go", "mod", "tidy"],
    ],
    remove: (name) => ["go", "get", `${name}@none`],
  },
}

/** The package manager that a lockfile belongs to; undefined for bills of materials and formats that several write. */
export function managerOf({ format, formatVersion }: Pick<Lockfile, "format" | "formatVersion">): Manager | undefined {
  switch (format) {
    case "package-lock.json":
    case "npm-shrinkwrap.json":
      return "npm"
    case "pnpm-lock.yaml":
      return "pnpm"
    case "yarn.lock":
      return formatVersion.startsWith("berry") ? "yarn" : "yarn1"
    case "bun.lock":
      return "bun"
    case "requirements.txt":
      return "pip"
    case "Pipfile.lock":
      return "pipenv"
    case "poetry.lock":
      return "poetry"
    case "uv.lock":
      return "uv"
    case "pdm.lock":
      return "pdm"
    case "Cargo.lock":
      return "cargo"
    case "go.mod":
      return "go"
    default:
      return undefined
  }
}

/** Which kinds of moves a manager has a command for, besides `direct` and `remove`. */
export function canMove(manager: Manager | undefined, kind: "exact" | "newest" | "override"): boolean {
  return manager !== undefined && COMMANDS[manager][kind] !== undefined
}

/** The commands that make a move, one after the other, each as its words; undefined where the manager has none. */
function commandsFor(manager: Manager, move: Move): Words[] | undefined {
  const commands = COMMANDS[manager]
  switch (move.kind) {
    case "direct":
      return [commands.direct(move.name, move.version)]
    case "exact":
      return commands.exact && [commands.exact(move.name, move.version)]
    case "newest":
      return commands.newest && [commands.newest(move.name)]
    case "override":
      return commands.override?.(move.name, move.version)
    case "remove":
      return [commands.remove(move.name)]
  }
}

/** The same as one line to paste into a shell; undefined where any of the moves has no command. */
export function showCommands(manager: Manager | undefined, moves: readonly Move[]): string | undefined {
  if (manager === undefined) return undefined
  const lines: string[] = []
  for (const move of moves) {
    const commands = commandsFor(manager, move)
    if (commands === undefined) return undefined
    lines.push(...commands.map((words) => words.map(quoteWord).join(" ")))
  }
  return lines.length === 0 ? undefined : lines.join(" && ")
}

/** Words are of names and versions that passed `isPlainName` and `isPlainVersion`, or our own: none has a quote in it. */
function quoteWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) && !word.includes("==") ? word : `'${word}'`
}

/** A name that may stand in a command as it is. */
export function isPlainName(ecosystem: string, name: string): boolean {
  return name.length <= MAX_LENGTH && (NAME[ecosystem]?.test(name) ?? false)
}

/** A version that may stand in a command as it is. */
export function isPlainVersion(ecosystem: string, version: string): boolean {
  return version.length <= MAX_LENGTH && VERSION.test(version) && isValidVersion(ecosystem, version)
}
