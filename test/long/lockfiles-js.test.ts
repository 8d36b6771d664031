// Real trees of well-known projects, locked on the spot by the real package managers from fixtures/trees.json, and read by
// nanoguard and by independent oracles: npm's arborist, Snyk's parsers, and what bun really installs.
import { execFileSync } from "node:child_process"
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { afterAll, beforeAll, describe, expect, it, type TestContext } from "vitest"
import { pathsTo } from "../../src/packages/graph.ts"
import { readLockfile } from "../../src/packages/lockfiles/index.ts"
import { normaliseOrigin } from "../../src/packages/lockfiles/sources.ts"
import type { Lockfile } from "../../src/packages/types.ts"
import { tool } from "../tools.ts"

const TREES = JSON.parse(readFileSync(new URL("../fixtures/trees.json", import.meta.url), "utf8")) as Record<
  string,
  object
>

let scratch: string
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "nanoguard-trees-"))
})
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

/** A fresh project of a tree; returns its directory. */
function project(tree: string, manager: string): string {
  const directory = join(scratch, `${tree}-${manager}`)
  mkdirSync(directory, { recursive: true })
  writeFileSync(
    join(directory, "package.json"),
    JSON.stringify({ name: tree, version: "1.0.0", private: true, ...TREES[tree] }),
  )
  return directory
}

/** Locks a project, and skips the test where the registry cannot be reached. */
function run(ctx: TestContext, directory: string, program: string, ...args: string[]): string {
  const env = {
    ...process.env,
    CI: "1",
    COREPACK_ENABLE_STRICT: "0",
    YARN_ENABLE_IMMUTABLE_INSTALLS: "0",
    YARN_ENABLE_TELEMETRY: "0",
    YARN_ENABLE_SCRIPTS: "0",
  }
  try {
    return execFileSync(program, args, { cwd: directory, env, stdio: "pipe", timeout: 240_000, encoding: "utf8" })
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string }
    const output = `${stdout}${stderr}`
    if (/ENOTFOUND|ECONNREFUSED|EAI_AGAIN|ETIMEDOUT|ENETUNREACH/.test(output))
      ctx.skip("the npm registry is missing: it could not be reached")
    throw new Error(`${program} ${args.join(" ")} failed: ${output.slice(-2000)}`)
  }
}

const releases = (lockfile: Lockfile) =>
  [...new Set(lockfile.dependencies.map((item) => `${item.name}@${item.version}`))].sort()

/** What holds for every lockfile that a package manager has just written from the default registry. */
async function expectWhole(lockfile: Lockfile, tree: string, hashless: ReadonlySet<string> = new Set()): Promise<void> {
  expect(lockfile.warnings).toEqual([])
  expect(lockfile.dependencies.length).toBeGreaterThan(20)
  const manifest = TREES[tree] as Record<string, Record<string, string>>
  const wanted = ["dependencies", "devDependencies", "optionalDependencies"].flatMap((field) =>
    Object.keys(manifest[field] ?? {}),
  )
  const direct = lockfile.dependencies.filter((item) => item.direct)
  expect([...new Set(direct.map((item) => item.alias ?? item.name))].sort()).toEqual(wanted.sort())
  for (const item of lockfile.dependencies) {
    if (!item.bundled)
      expect(item.source.kind === "registry" && (await normaliseOrigin(item.source.origin)), item.key).toBe("default")
    const hashed = item.integrity.length > 0 || item.bundled || item.ownHash || hashless.has(item.key)
    expect(hashed, item.key).toBe(true)
    expect(pathsTo(lockfile, item.key, 1).paths, item.key).toHaveLength(1)
    const line = lockfile.lineOf(item.key)
    expect(line).toBeGreaterThan(1)
  }
}

interface ArboristNode {
  location: string
  packageName: string
  version: string
  dev: boolean
  devOptional: boolean
  optional: boolean
  peer: boolean
  integrity: string | null
  inBundle: boolean
  isRoot: boolean
  edgesOut: Map<string, { to: ArboristNode | null; rawSpec: string }>
}

/** In version 1 arborist leaves the alias of a bundled package as it stands there. */
function idOf({ packageName, version }: ArboristNode): string {
  const alias = /^npm:(.+@.+)$/.exec(version)
  return alias?.[1] ?? `${packageName}@${version}`
}

describe.each(Object.keys(TREES))("%s", (tree) => {
  it.each([1, 2, 3])("npm, lockfile version %i, as arborist reads it", async (version, ...rest) => {
    const ctx = rest.at(-1) as unknown as TestContext
    const directory = project(tree, `npm-${version}`)
    run(
      ctx,
      directory,
      "npm",
      "install",
      "--package-lock-only",
      "--ignore-scripts",
      "--no-audit",
      `--lockfile-version=${version}`,
    )
    const lockfile = await readLockfile(directory, "package-lock.json")
    expect(lockfile.formatVersion).toBe(String(version))
    await expectWhole(lockfile, tree)
    const Arborist = tool(ctx, "arborist").load() as new (
      options: object,
    ) => {
      loadVirtual: () => Promise<{ inventory: Map<string, ArboristNode> }>
    }
    const nodes = [...(await new Arborist({ path: directory }).loadVirtual()).inventory.values()]
    const theirs = nodes.filter((node) => !node.isRoot)
    expect(
      lockfile.dependencies.map((item) => `${item.key} ${item.name}@${item.version} ${item.bundled ?? false}`).sort(),
    ).toEqual(theirs.map((node) => `${node.location} ${idOf(node)} ${node.inBundle}`).sort())
    const hashes = (value: string | null) => (value ?? "").split(" ").filter(Boolean).sort().join(" ")
    expect(lockfile.dependencies.map((item) => `${item.key} ${hashes(item.integrity.join(" "))}`).sort()).toEqual(
      theirs.map((node) => `${node.location} ${hashes(node.integrity)}`).sort(),
    )
    const flags = lockfile.dependencies.map((item) => `${item.key} ${item.dev} ${item.optional}`)
    const theirFlags = theirs.map(
      (node) => `${node.location} ${node.dev} ${node.optional || (node.devOptional && !node.dev)}`,
    )
    // Version 1 has no peer dependencies, so that arborist works the flags out anew, and differently from what npm wrote.
    if (version > 1) expect(flags.sort()).toEqual(theirFlags.sort())
    const edges = nodes.flatMap((node) =>
      [...node.edgesOut.values()].flatMap((edge) =>
        edge.to === null ? [] : [`${node.location} > ${edge.to.location}`],
      ),
    )
    const ours = lockfile.edges.map((edge) => `${edge.from} > ${edge.to}`)
    // Version 1 keeps no peer dependencies; what it keeps has to be among the edges that arborist makes of it.
    if (version === 1) expect(edges).toEqual(expect.arrayContaining(ours))
    else expect(ours.sort()).toEqual(edges.sort())
  })

  it.each(["pnpm-7", "pnpm-8", "pnpm-12"])("%s, as Snyk reads it", async (manager, ...rest) => {
    const ctx = rest.at(-1) as unknown as TestContext
    const directory = project(tree, manager)
    run(ctx, directory, tool(ctx, manager).program("pnpm"), "install", "--lockfile-only", "--ignore-scripts")
    const lockfile = await readLockfile(directory, "pnpm-lock.yaml")
    await expectWhole(lockfile, tree)
    const { parsePnpmProject } = tool(ctx, "snyk").load() as Snyk
    const text = projectDocument(readFileSync(join(directory, "pnpm-lock.yaml"), "utf8"))
    const graph = await parsePnpmProject(readFileSync(join(directory, "package.json"), "utf8"), text, SNYK)
    expect(releases(lockfile)).toEqual(theirs(graph))
  })

  it("yarn 1, as Snyk reads it", async (ctx) => {
    const directory = project(tree, "yarn-1")
    run(
      ctx,
      directory,
      tool(ctx, "yarn-1").program("yarn"),
      "install",
      "--ignore-scripts",
      "--ignore-engines",
      "--no-progress",
    )
    const lockfile = await readLockfile(directory, "yarn.lock")
    await expectWhole(lockfile, tree)
    const { parseYarnLockV1Project } = tool(ctx, "snyk").load() as Snyk
    const [manifest, text] = ["package.json", "yarn.lock"].map((file) => readFileSync(join(directory, file), "utf8"))
    expect(releases(lockfile)).toEqual(theirs(await parseYarnLockV1Project(manifest!, text!, SNYK)))
    expect(installed(directory, lockfile)).toEqual([])
  })

  it("yarn 4, as it says itself", async (ctx) => {
    const directory = project(tree, "yarn-4")
    writeFileSync(join(directory, "yarn.lock"), "")
    const yarn = tool(ctx, "yarn-4").program("yarn")
    run(ctx, directory, yarn, "install", "--mode=update-lockfile")
    const lockfile = await readLockfile(directory, "yarn.lock")
    // yarn has no checksum of what it did not download: packages for other platforms.
    const entries = readFileSync(join(directory, "yarn.lock"), "utf8").split("\n\n")
    const hashless = entries.filter((entry) => entry.includes("\n  conditions: ") && !entry.includes("checksum"))
    await expectWhole(lockfile, tree, new Set(hashless.map((entry) => entry.slice(1, entry.indexOf('":')))))
    const info = run(ctx, directory, yarn, "info", "--all", "--recursive", "--json")
    const said = info
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as YarnInfo)
    const known = new Map(
      said.map(({ value, children }) => [value, `${value.slice(0, value.indexOf("@", 1))}@${children.Version}`]),
    )
    const isOurs = (value: string) => !value.includes("@workspace:")
    expect(releases(lockfile)).toEqual(
      [...new Set([...known].filter(([value]) => isOurs(value)).map(([, id]) => id))].sort(),
    )
    const ids = new Map(lockfile.dependencies.map((item) => [item.key, `${item.name}@${item.version}`]))
    const ours = lockfile.edges.flatMap(({ from, to }) =>
      ids.has(from) && ids.has(to) ? [`${ids.get(from)} > ${ids.get(to)}`] : [],
    )
    const edges = said
      .filter(({ value }) => isOurs(value))
      .flatMap(({ value, children }) =>
        (children.Dependencies ?? []).map(
          ({ locator }) => `${known.get(value)} > ${known.get(locator.replace(/@virtual:[^#]*#/, "@"))}`,
        ),
      )
    expect([...new Set(ours)].sort()).toEqual([...new Set(edges)].sort())
  })

  it("bun, as it installs it", async (ctx) => {
    const directory = project(tree, "bun")
    run(ctx, directory, tool(ctx, "bun").program("bun"), "install", "--ignore-scripts", "--linker=hoisted")
    const lockfile = await readLockfile(directory, "bun.lock")
    await expectWhole(lockfile, tree)
    expect(installed(directory, lockfile)).toEqual([])
  })
})

/** A line of `yarn info --json`. */
interface YarnInfo {
  value: string
  children: { Version: string; Dependencies?: { locator: string }[] }
}

interface Snyk {
  parsePnpmProject: ParseProject
  parseYarnLockV1Project: ParseProject
}
type ParseProject = (
  manifest: string,
  lockfile: string,
  options: object,
) => Promise<{ getDepPkgs: () => { name: string; version: string }[] }>

const SNYK = {
  includeDevDeps: true,
  includeOptionalDeps: true,
  includePeerDeps: true,
  strictOutOfSync: false,
  pruneCycles: true,
  pruneWithinTopLevelDeps: false,
  honorAliases: false,
}

function theirs(graph: { getDepPkgs: () => { name: string; version: string }[] }): string[] {
  return [...new Set(graph.getDepPkgs().map((item) => `${item.name}@${item.version}`))].sort()
}

/** Without the document that pnpm 11 and later keep for themselves, which Snyk's parser does not know. */
function projectDocument(text: string): string {
  return text.split(/^---$/m).at(-1)!
}

/** Packages in node_modules that the lockfile, as we read it, has not. */
function installed(directory: string, lockfile: Lockfile): string[] {
  const known = new Set(releases(lockfile))
  const manifests = globSync(
    ["node_modules/*/package.json", "node_modules/**/node_modules/*/package.json", "node_modules/**/@*/*/package.json"],
    { cwd: directory },
  )
  const found: string[] = []
  for (const path of manifests) {
    // npm's own archive holds its dependencies, which only npm's lockfiles list.
    if (path.startsWith("node_modules/npm/node_modules/")) continue
    if (!/(^|\/)node_modules\/(@[^/]+\/)?[^/]+\/package\.json$/.test(path)) continue
    const { name, version } = JSON.parse(readFileSync(join(directory, path), "utf8")) as {
      name?: string
      version?: string
    }
    if (name !== undefined && version !== undefined) found.push(`${name}@${version} at ${dirname(path)}`)
  }
  expect(found.length).toBeGreaterThan(20)
  return found.filter((item) => !known.has(item.split(" at ")[0]!))
}
