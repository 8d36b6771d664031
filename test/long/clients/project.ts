// A project of a client with a home of its own, and the real wrapper to run the client in.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs"
import { delimiter, dirname, join } from "node:path"
import { execa } from "execa"
import { clientSettings } from "../../../src/gateway/settings.ts"
import { settingsDirectory } from "../../../src/gateway/write-settings.ts"
import { BIN } from "../../e2e/nanoguard.ts"
import type { ClientDescription } from "./description.ts"

export interface Project {
  directory: string
  /** Directories that hold what clients keep from run to run. */
  caches: readonly string[]
  /** Runs a shell command behind the gate with `nanoguard gateway exec`. */
  exec: (line: string, env?: Record<string, string>) => Promise<Ran>
  /** Runs it with the same settings, led to the upstream. */
  direct: (line: string) => Promise<Ran>
}

export interface Ran {
  exit: number
  /** What the terminal shows: both streams as they came. */
  terminal: string
}

interface ProjectInput {
  client: ClientDescription
  program: string
  files: Record<string, string>
  scratch: string
  state: string
  /** Addresses of the upstream and of the gate. */
  upstream: string
  origin: string
}

/** Writes it; `files` are the project's own. */
export function createProject({ client, program, files, scratch, state, upstream, origin }: ProjectInput): Project {
  const root = mkdtempSync(join(scratch, "run-"))
  // Cargo's home is the settings' own.
  const caches = [join(root, "home"), join(settingsDirectory({ env: { NANOGUARD_HOME: state } }, origin), "cargo")]
  for (const cache of caches) rmSync(cache, { recursive: true, force: true })
  const [directory, home, bin] = ["project", "home", "bin"].map((name) => join(root, name)) as [string, string, string]
  write(directory, files)
  mkdirSync(home)
  // One program a directory, so that no other manager comes along with it.
  write(bin, { [client.command]: `#!/bin/sh\nexec ${JSON.stringify(program)} "$@"\n` })
  chmodSync(join(bin, client.command), 0o755)
  const env = {
    PATH: [bin, dirname(process.execPath), "/usr/local/bin", "/usr/bin", "/bin"].join(delimiter),
    ...{ HOME: home, XDG_CACHE_HOME: join(home, "cache"), NO_COLOR: "1", NANOGUARD_HOME: state },
    ...client.env(home, program),
  }
  const run = async (file: string, args: string[], more: Record<string, string>): Promise<Ran> => {
    const options = {
      cwd: directory,
      env: { ...env, ...more },
      extendEnv: false,
      stdin: "ignore",
      all: true,
      reject: false,
      timeout: 120_000,
    } as const
    const { exitCode, all } = await execa(file, args, options)
    return { exit: exitCode ?? -1, terminal: all }
  }
  return {
    ...{ directory, caches },
    exec: (line, more = {}) => run(process.execPath, [BIN, "gateway", "exec", "--", "sh", "-c", line], more),
    direct: (line) => {
      const settings = clientSettings({ base: upstream, directory: join(home, "settings") })
      for (const { path, text } of settings.files)
        write(dirname(path), { [path.slice(dirname(path).length + 1)]: text })
      return run("sh", ["-c", line], settings.env)
    },
  }
}

export function write(directory: string, files: Record<string, string>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true })
    writeFileSync(join(directory, path), text)
  }
}

/** Files below a directory by path, links not followed. */
export function filesBelow(directory: string): Map<string, Buffer> {
  if (!existsSync(directory)) return new Map()
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  return new Map(files.sort().map((path) => [path.slice(directory.length + 1), readFileSync(path)]))
}

/** Removes what was installed and what is cached: only the project and its lockfile are left. */
export function forget(client: ClientDescription, { directory, caches }: Project): void {
  for (const tree of [...client.trees, ".venv"]) rmSync(join(directory, tree), { recursive: true, force: true })
  for (const cache of caches) rmSync(cache, { recursive: true, force: true })
}
