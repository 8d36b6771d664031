// A gate that is killed while it serves, and two that share a cache and a record.
import { type ChildProcess, spawn } from "node:child_process"
import { mkdirSync, readdirSync } from "node:fs"
import { get, type ServerResponse } from "node:http"
import { join } from "node:path"
import { execa } from "execa"
import { describe, expect, it, onTestFinished } from "vitest"
import { temporaryDirectory } from "../../context.ts"
import { BIN } from "../../e2e/nanoguard.ts"
import { startNpmUpstream } from "../../gateway/gate.ts"
import { makeRandom, SAMPLE, SEED } from "./random.ts"

const ROUNDS = SAMPLE ? 3 : 25
const POLICY = `version: 1
packages:
  rules: [{ id: no-evil, deny: "pkg:npm/evil" }]
  unknown: allow
`
const BIG = Buffer.alloc(3_000_000, "0123456789abcdef")

interface Got {
  bytes: Buffer
  /** Whether HTTP says that this is all. */
  whole: boolean
  status: number
}

function download(url: string): Promise<Got> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    const end = (whole: boolean, status: number) => resolve({ bytes: Buffer.concat(chunks), whole, status })
    const request = get(url, { agent: false }, (response) => {
      response.on("data", (chunk: Buffer) => chunks.push(chunk))
      response.on("error", () => {})
      response.on("close", () => end(response.complete, response.statusCode ?? 0))
    })
    request.on("error", () => end(false, 0))
  })
}

async function place() {
  const root = temporaryDirectory()
  const upstream = await startNpmUpstream()
  upstream.publish("big", Object.fromEntries(Array.from({ length: ROUNDS }, (_, i) => [`1.0.${i}`, { bytes: BIG }])))
  upstream.publish("evil", { "1.0.0": {} })
  // In pieces, for about half a second.
  const slowly = (_: unknown, response: ServerResponse) => {
    response.writeHead(200, { "content-length": BIG.length })
    let at = 0
    const timer = setInterval(() => {
      response.write(BIG.subarray(at, at + 200_000))
      at += 200_000
      if (at >= BIG.length || response.destroyed) {
        clearInterval(timer)
        response.end()
      }
    }, 30)
  }
  for (let i = 0; i < ROUNDS; i++) upstream.answer(`/big/-/big-1.0.${i}.tgz`, slowly)
  const record = join(root, "record")
  const cache = join(root, "cache")
  const start = async (name: string): Promise<{ origin: string; child: ChildProcess }> => {
    const home = join(root, name)
    mkdirSync(home, { recursive: true })
    const settings = { name, policy: POLICY, record, home, cache, upstream: upstream.base }
    const child = spawn(process.execPath, [join(import.meta.dirname, "gate-process.ts"), JSON.stringify(settings)])
    onTestFinished(() => void child.kill("SIGKILL"))
    let errors = ""
    child.stderr.on("data", (chunk) => {
      errors += String(chunk)
    })
    return new Promise((resolve, reject) => {
      child.stdout.once("data", (chunk) => resolve({ origin: String(chunk).trim(), child }))
      child.once("exit", () => reject(new Error(`the gate did not start: ${errors}`)))
    })
  }
  const verify = () =>
    execa(BIN, ["audit", "verify", "--format", "json"], { env: { NANOGUARD_HOME: record }, cwd: root, reject: false })
  return { upstream, cache, start, verify }
}

function kill(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once("exit", () => resolve())
    child.kill("SIGKILL")
  })
}

describe(`a gate that is killed (seed ${SEED})`, () => {
  it("leaves nothing half behind that is served, and a record that holds", async () => {
    const random = makeRandom(SEED)
    const { start, verify, cache } = await place()
    let broken = 0
    for (let round = 0; round < ROUNDS; round++) {
      const { origin, child } = await start("one")
      const clients = Array.from({ length: 5 }, () => download(`${origin}/npm/big/-/big-1.0.${round}.tgz`))
      const refused = download(`${origin}/npm/evil/-/evil-1.0.0.tgz`)
      await new Promise((resolve) => setTimeout(resolve, random.below(600)))
      await kill(child)
      for (const { bytes, whole, status } of await Promise.all(clients)) {
        if (whole && status === 200) expect(bytes.equals(BIG)).toBe(true)
        else broken++
        if (bytes.length === BIG.length) expect(whole).toBe(true)
      }
      const no = await refused
      expect(no.bytes.toString()).not.toContain("archive of")
    }
    expect(broken).toBeGreaterThan(0)
    const { origin, child } = await start("one")
    for (let round = 0; round < ROUNDS; round++) {
      const again = await download(`${origin}/npm/big/-/big-1.0.${round}.tgz`)
      expect(again.whole && again.bytes.equals(BIG)).toBe(true)
    }
    // What the dead ones had begun was cleared away by those that came after them.
    expect(readdirSync(join(cache, "drafts")).filter((name) => !name.startsWith(`${child.pid}-`))).toEqual([])
    await kill(child)
    const { exitCode, stdout } = await verify()
    expect(stdout).not.toBe("")
    expect(exitCode, stdout).toBe(0)
  })

  it("shares its cache and its record with another one, and takes nothing of it along", async () => {
    const { start, verify, upstream } = await place()
    const [one, two] = await Promise.all([start("one"), start("two")])
    const ask = (origin: string) => download(`${origin}/npm/big/-/big-1.0.0.tgz`)
    const all = [one, two, one, two, one, two].map(({ origin }) => ask(origin))
    await new Promise((resolve) => setTimeout(resolve, 250))
    await kill(one.child)
    const done = await Promise.all(all)
    for (const [index, { bytes, whole }] of done.entries()) {
      if (index % 2 === 1) expect(whole && bytes.equals(BIG)).toBe(true)
      else if (whole) expect(bytes.equals(BIG)).toBe(true)
    }
    const before = upstream.requests.length
    const later = await ask(two.origin)
    expect(later.whole && later.bytes.equals(BIG)).toBe(true)
    expect(upstream.requests.slice(before)).toEqual([])
    expect((await download(`${two.origin}/npm/evil/-/evil-1.0.0.tgz`)).status).toBe(403)
    await kill(two.child)
    const { exitCode, stdout } = await verify()
    expect(exitCode, stdout).toBe(0)
  })
})
