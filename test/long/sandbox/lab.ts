// Boxes as people start them: `nanoguard run` of the built CLI, beside a gate with stand-ins for registries and services. Tools that
// are not the machine's own come into boxes by `sandbox.mounts` of the policy.
import { spawnSync } from "node:child_process"
import { chmodSync, chownSync, existsSync, mkdtempSync, readdirSync, realpathSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { updateAdvisories } from "../../../src/packages/advisories/update.ts"
import type { TestedEngine } from "../../sandbox/engines.ts"
import { TEST_IMAGE } from "../../sandbox/image.ts"
import { advisories } from "../clients/gate.ts"
import type { Packages } from "../clients/packages.ts"
import { write } from "../clients/project.ts"
import { startUpstream } from "../clients/upstream.ts"
import { type Lab, type LabOptions, openLab, type Ran } from "../egress/lab.ts"

export const LAB_ENGINES = ["bubblewrap", "docker"] as const
/** Podman is for a lab of another user. */
export type LabEngine = TestedEngine

/** Whose workspaces are, where nobody says otherwise: a user of no name. */
export const USER = 1234

export interface BoxLab extends Lab {
  /** A directory with these files, of that user. */
  workspace: (name: string, files?: Record<string, string>, user?: number) => string
  /** `nanoguard run` of a command, with further options of it. */
  run: (engine: LabEngine, workspace: string, command: readonly string[], options?: readonly string[]) => Promise<Ran>
  /** Where a file of a tool is in a box. */
  inBox: (path: string) => string
  /** A directory of programs for one test's boxes: by name, the shell command that starts each. Its path in the box. */
  launchers: (name: string, programs: Readonly<Record<string, string>>) => string
}

export interface BoxLabOptions extends Partial<LabOptions> {
  packages?: Packages
  /** Versions with a known vulnerability, by package. */
  refused?: Readonly<Record<string, readonly string[]>>
  /** Directories of tools, mounted below `/opt/tools`; need not be there yet. */
  tools?: readonly string[]
}

/** Opens it all. */
export async function openBoxLab(options: BoxLabOptions = {}): Promise<BoxLab> {
  const upstream = await startUpstream(options.packages ?? {})
  const own = realpathSync(mkdtempSync(join(tmpdir(), "nanoguard-box-lab-")))
  const programs = join(own, "programs")
  chmodSync(own, 0o755)
  for (const path of options.tools ?? []) if (existsSync(path)) chmodSync(path, 0o755)
  write(own, { "programs/.keep": "", "cargo/config.toml": cargoConfig(upstream.base) })
  // A gate without rights can mount nothing that it cannot see.
  const seen = [...new Set(options.tools)].filter((path) => options.as === undefined || canSee(options.as, path))
  const mounts = seen.map((path, index) => ({ path, target: `/opt/tools/${index}` }))
  const lab = await openLab({
    ...options,
    policy: (port) =>
      policyOf([...mounts, { path: programs, target: "/opt/programs" }]) + (options.policy?.(port) ?? ""),
    env: (port) => ({ ...registriesAt(upstream.base, join(own, "cargo")), ...options.env?.(port) }),
    prepare: async (ctx) => {
      if (options.refused === undefined) return
      write(ctx.cwd, { "osv.ndjson": advisories(options.refused) })
      await updateAdvisories(ctx, { from: ["osv.ndjson"], ecosystems: [], complete: true })
    },
  })
  return {
    ...lab,
    workspace: (name, files = {}, user = options.as?.uid ?? USER) => {
      const path = lab.directory(name, files)
      give(path, user)
      return path
    },
    run: (engine, workspace, command, more = []) =>
      lab.nanoguard(["run", ...ENGINE_WORDS[engine], ...more, "--", ...command], { cwd: workspace }),
    inBox: (path) => {
      const mount = mounts.find((one) => path === one.path || path.startsWith(`${one.path}/`))
      return mount === undefined ? path : mount.target + path.slice(mount.path.length)
    },
    launchers: (name, lines) => {
      for (const [program, line] of Object.entries(lines)) {
        write(join(programs, name), { [program]: `#!/bin/sh\nexec ${line} "$@"\n` })
        chmodSync(join(programs, name, program), 0o755)
      }
      return `/opt/programs/${name}`
    },
    close: async () => {
      await lab.close()
      await upstream.close()
      rmSync(own, { recursive: true, force: true })
    },
  }
}

const ENGINE_WORDS: Readonly<Record<LabEngine, readonly string[]>> = {
  bubblewrap: ["--engine", "bubblewrap"],
  docker: ["--engine", "docker"],
  "docker+runsc": ["--engine", "docker", "--runtime", "runsc"],
  podman: ["--engine", "podman"],
}

const canSee = ({ uid, gid }: { uid: number; gid: number }, path: string) =>
  spawnSync("test", ["-x", path], { uid, gid }).status === 0

const cargoConfig = (base: string) =>
  `[source.crates-io]\nreplace-with = "up"\n[source.up]\nregistry = "sparse+${base}/cargo/index/"\n`

const registriesAt = (base: string, cargo: string) => ({
  ...{ npm_config_registry: `${base}/npm/`, PIP_INDEX_URL: `${base}/pypi/simple/`, PIP_CONFIG_FILE: "/dev/null" },
  ...{ CARGO_HOME: cargo, GOPROXY: `${base}/go`, GOENV: "off" },
})

function policyOf(mounts: readonly { path: string; target: string }[]): string {
  const rules = mounts.map(({ path }, index) => `  - { id: tool-${index}, allow: ${JSON.stringify(path)} }\n`)
  const wanted = mounts.map(({ path, target }) => `    - { path: ${JSON.stringify(path)}, target: ${target} }\n`)
  return `packages: { deny: { severity: high } }
mounts:
${rules.join("")}sandbox:
  image: ${TEST_IMAGE}
  mounts:
${wanted.join("")}`
}

/** Makes a tree a user's. */
export function give(directory: string, user: number): void {
  chownSync(directory, user, user)
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true }))
    chownSync(join(entry.parentPath, entry.name), user, user)
}
