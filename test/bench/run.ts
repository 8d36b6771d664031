// Every benchmark, as ratios within one run. Usage: npm run bench [start|offline|peers|scale|online|decide|advisories|packument|gateway|egress ...]
import { spawnSync } from "node:child_process"
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { writeSyntheticIndex } from "./make-advisories.ts"
import { makeLock, packageName } from "./make-lock.ts"
import { type Contender, measure, table } from "./measure.ts"
import { onlineTree } from "./online.ts"
import { installPeers, stubRegistry } from "./peers.ts"

const RECORDS = 250_000
const node = process.execPath
const cli = resolve("bin/nanoguard.js")
const work = mkdtempSync(join(tmpdir(), "nanoguard-bench-"))
const home = join(work, "home")
const env = { NANOGUARD_HOME: home, XDG_CACHE_HOME: join(work, "cache"), CI: "", GITHUB_ACTIONS: "" }
const empty: Contender = { name: "node -e 0", command: [node, "-e", "0"] }
const say = (text: string) => process.stdout.write(`${text}\n`)

/** A directory with a lock of that size and nothing else. */
function project(size: number, major = 0): string {
  const directory = join(work, `tree-${size}-${major}`)
  if (existsSync(directory)) return directory
  mkdirSync(directory)
  const names = Array.from({ length: size }, (_, n) => packageName(n))
  writeFileSync(join(directory, "package.json"), '{"name":"bench","version":"1.0.0"}')
  writeFileSync(join(directory, "package-lock.json"), makeLock(size, major))
  if (!existsSync(join(home, "advisories.idx"))) {
    mkdirSync(home, { recursive: true })
    writeSyntheticIndex(join(home, "advisories.idx"), { records: RECORDS, names })
  }
  return directory
}

const vet = (size: number, name = `vet --offline, ${size} packages`, major = 0): Contender => ({
  name,
  command: [node, cli, "vet", "--offline"],
  cwd: project(size, major),
  env,
  expect: [0, 1],
})

const sections: Record<string, () => Promise<void> | void> = {
  start() {
    const version: Contender = { name: "nanoguard --version", command: [node, cli, "--version"], env }
    say(table("Start-up (wanted: at most 1.5 x)", measure([empty, version], 25)))
  },
  offline() {
    const clean = vet(2000, "vet --offline, 2000 packages, up to date", 1000)
    const old = vet(2000, "vet --offline, 2000 packages, old, with findings")
    const rows = measure([empty, clean, old], 21)
    say(table(`Offline vet against ${RECORDS} advisory records (wanted: at most 5 x wall, 2 x peak memory)`, rows))
  },
  scale() {
    const rows = measure([vet(1000), vet(2000), vet(5000), vet(10_000)], 9)
    const [small, , , large] = rows
    const growth = (large!.wallMs / small!.wallMs).toFixed(2)
    say(table("Growth with the tree", rows, `10 x the packages take ${growth} x the time (wanted: at most 10)`))
  },
  async peers() {
    const stub = await stubRegistry()
    const cwd = project(2000)
    const tools = installPeers(
      work,
      RECORDS,
      Array.from({ length: 2000 }, (_, n) => packageName(n)),
    )
    const quiet = { npm_config_registry: stub.url, npm_config_update_notifier: "false" }
    const contenders: Contender[] = [
      vet(2000, "nanoguard vet --offline"),
      { name: "npm audit", command: ["npm", "audit", "--package-lock-only"], cwd, env: quiet, expect: [0, 1] },
      ...tools.map((tool) => ({ ...tool, cwd, env: { ...quiet, ...tool.env }, expect: tool.expect ?? [0, 1] })),
    ]
    try {
      say(
        table(
          "The same 2,000-package lock (npm-based peers against an endpoint on loopback that answers at once)",
          measure(contenders, 5),
        ),
      )
    } finally {
      stub.close()
    }
  },
  online() {
    const { directory, packages } = onlineTree(join(work, "online"))
    const cold = (name: string, command: readonly string[], expect: number[]): Contender => {
      const script = `rm -rf "$BENCH_CACHE" && if [ -n "$BENCH_RELOCK" ]; then rm -f package-lock.json; fi && exec "$@"`
      const cache = join(work, `${name.split(" ")[0]}-cache`)
      return {
        name,
        command: ["/bin/sh", "-c", script, "sh", ...command],
        cwd: directory,
        env: {
          ...env,
          BENCH_RELOCK: command[0] === "npm" ? "yes" : "",
          BENCH_CACHE: cache,
          NANOGUARD_HOME: cache,
          XDG_CACHE_HOME: cache,
          npm_config_cache: cache,
        },
        expect,
      }
    }
    const fresh = join(work, "relock")
    cpSync(join(directory, "package.json"), join(fresh, "package.json"))
    const rows = measure(
      [
        {
          ...cold(
            "npm install --package-lock-only --prefer-online",
            ["npm", "install", "--package-lock-only", "--prefer-online", "--no-audit", "--no-fund"],
            [0],
          ),
          cwd: fresh,
        },
        cold("nanoguard vet", [node, cli, "vet"], [0, 1]),
      ],
      2,
      false,
    )
    say(table(`Cold, online, ${packages} real packages, empty caches (wanted: nanoguard at most 1 x npm)`, rows))
  },
  decide: () => standalone("decide.ts"),
  advisories: () => standalone("advisories.ts"),
  packument: () => standalone("packument.ts"),
  gateway: () => standalone("gateway.ts"),
  egress: () => standalone("egress.ts"),
  box: () => standalone("box.ts"),
  kill: () => standalone("kill.ts"),
}

function standalone(file: string): void {
  const run = spawnSync(node, [join("test", "bench", file)], { stdio: "inherit" })
  if (run.status !== 0) throw new Error(`${file} ended with ${run.status}`)
}

const wanted = process.argv.slice(2)
try {
  spawnSync(node, ["scripts/build.ts"], { stdio: "inherit" })
  for (const [name, section] of Object.entries(sections)) {
    if (wanted.length === 0 || wanted.includes(name)) await section()
  }
} finally {
  rmSync(work, { recursive: true, force: true })
}
