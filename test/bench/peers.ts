// The tools that the benchmark stands beside, installed at bench time, and an endpoint that answers them at once.
import { execFileSync, spawnSync } from "node:child_process"
import { existsSync, mkdirSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Worker } from "node:worker_threads"
import { zipSync } from "fflate"
import { syntheticAdvisories } from "./make-advisories.ts"
import type { Contender } from "./measure.ts"

const PEERS = { "lockfile-lint": "5.0.1", "better-npm-audit": "3.11.0", "audit-ci": "7.1.0" }

/** OSV's export of synthetic records, where osv-scanner looks for it offline. */
function writeOsvDatabase(directory: string, records: number, names: readonly string[]): void {
  const files: Record<string, Uint8Array> = {}
  for (const record of syntheticAdvisories({ records, names })) {
    files[`${String(record["id"])}.json`] = Buffer.from(JSON.stringify(record))
  }
  mkdirSync(join(directory, "osv-scalibr", "npm"), { recursive: true })
  writeFileSync(join(directory, "osv-scalibr", "npm", "all.zip"), zipSync(files, { level: 1 }))
}

/**
 * The peers that could be installed, as contenders without a directory; says which are missing and how to get them.
 * osv-scanner gets the same synthetic records as nanoguard, in `work`.
 */
export function installPeers(work: string, records: number, names: readonly string[]): Contender[] {
  const directory = join(tmpdir(), "nanoguard-test-tools", "bench-peers")
  if (!existsSync(join(directory, "node_modules"))) {
    mkdirSync(directory, { recursive: true })
    writeFileSync(join(directory, "package.json"), '{"private":true}')
    const names = Object.entries(PEERS).map(([name, version]) => `${name}@${version}`)
    execFileSync("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", ...names], {
      cwd: directory,
      stdio: "pipe",
    })
  }
  const bin = (name: string) => join(directory, "node_modules", ".bin", name)
  const contenders: Contender[] = [
    {
      name: "lockfile-lint 5.0.1",
      command: [bin("lockfile-lint"), "--path", "package-lock.json", "--type", "npm", "--validate-https"],
    },
    { name: "better-npm-audit 3.11.0", command: [bin("better-npm-audit"), "audit"] },
    { name: "audit-ci 7.1.0", command: [bin("audit-ci"), "--low"] },
  ]
  const osv = spawnSync("osv-scanner", ["--version"], { encoding: "utf8" })
  if (osv.status === 0) {
    const version = /\d+\.\d+\.\d+/.exec(osv.stdout)?.[0] ?? ""
    writeOsvDatabase(work, records, names)
    const command = ["osv-scanner", "scan", "source", "--offline", "--lockfile", "package-lock.json"]
    const env = { OSV_SCALIBR_LOCAL_DB_CACHE_DIRECTORY: work }
    contenders.push({ name: `osv-scanner ${version} --offline`, command, env })
  } else
    process.stdout.write(
      "osv-scanner is not on PATH: go install github.com/google/osv-scanner/v2/cmd/osv-scanner@latest\n",
    )
  return contenders
}

/** A registry on loopback, in a thread of its own since the measured commands block this one: no advisory for anything. */
export function stubRegistry(): Promise<{ url: string; close: () => void }> {
  const source = `
    const { createServer } = require("node:http")
    const { parentPort } = require("node:worker_threads")
    const server = createServer((request, response) => {
      request.resume().on("end", () => response.setHeader("content-type", "application/json").end("{}"))
    })
    server.listen(0, "127.0.0.1", () => parentPort.postMessage(server.address().port))
  `
  const worker = new Worker(source, { eval: true })
  return new Promise((resolve, reject) => {
    worker.once("error", reject)
    worker.once("message", (port: number) =>
      resolve({ url: `http://127.0.0.1:${port}/`, close: () => void worker.terminate() }),
    )
  })
}
