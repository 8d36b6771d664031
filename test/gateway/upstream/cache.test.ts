import { type ChildProcess, spawn } from "node:child_process"
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import { describe, expect, it, onTestFinished, vi } from "vitest"
import { openUpstream } from "../../../src/gateway/upstream/open.ts"
import { type Artifact, type ArtifactRequest, IntegrityError } from "../../../src/gateway/upstream/types.ts"
import { emptyDirectory, routes, startServer } from "../../packages/registries/server.ts"
import { fetchAll, fromCache, noise, open, readAll, readBroken, sha256, sri } from "./open.ts"

const SMALL = noise(20_000)
const LARGE = noise(700_000, 7)

/** Files of a cache directory, or of a part of it. */
function filesOf(...path: string[]): string[] {
  return readdirSync(join(...path), { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name))
}

const blobOf = (directory: string, bytes: Buffer) => join(directory, "blobs", sha256(bytes).slice(0, 2), sha256(bytes))

/** A cache with one artifact in it. */
async function cacheWith(bytes: Buffer, more: Partial<ArtifactRequest> = {}) {
  const { base, requests } = await startServer(routes({ "/a.tgz": bytes }))
  const directory = emptyDirectory()
  const request = { url: `${base}/a.tgz`, integrity: [sri("sha512", bytes)], ...more }
  const upstream = await open({ directory })
  await fetchAll(upstream, request)
  await readAll(await fromCache(upstream, request))
  return { base, requests, directory, request, upstream, blob: blobOf(directory, bytes) }
}

const damages: Record<string, (blob: string, bytes: Buffer) => void> = {
  "changed at its end": (blob, bytes) => {
    writeFileSync(blob, Buffer.concat([bytes.subarray(0, -1), Buffer.from([bytes.at(-1)! ^ 1])]))
  },
  "changed at its start": (blob, bytes) => {
    writeFileSync(blob, Buffer.concat([Buffer.from([bytes[0]! ^ 1]), bytes.subarray(1)]))
  },
  cut: (blob) => truncateSync(blob, 10_000),
  empty: (blob) => truncateSync(blob, 0),
  longer: (blob) => appendFileSync(blob, "more"),
  "a link to the same bytes": (blob, bytes) => {
    rmSync(blob)
    writeFileSync(`${blob}.x`, bytes)
    symlinkSync(`${blob}.x`, blob)
  },
  "a directory": (blob) => {
    rmSync(blob)
    mkdirSync(blob)
  },
  gone: (blob) => rmSync(blob),
}

describe("a file in the cache", () => {
  it.each(Object.entries(damages))("that is %s is never served, and fetched again", async (_, damage) => {
    for (const bytes of [SMALL, LARGE]) {
      const { requests, directory, request, upstream, blob } = await cacheWith(bytes)
      // Both for the process that put it there and for one that finds it.
      for (const [index, reader] of [upstream, await open({ directory })].entries()) {
        damage(blob, bytes)
        const artifact = await reader.artifact(request)
        expect(artifact).toMatchObject({ ok: true, cached: false })
        expect(sha256(await readAll(artifact))).toBe(sha256(bytes))
        expect(requests).toHaveLength(index + 2)
        if (statSync(blob, { throwIfNoEntry: false })?.isDirectory()) return
        expect(sha256(await readAll(await fromCache(reader, request)))).toBe(sha256(bytes))
      }
    }
  })

  it("that changes while it is read is never whole", async () => {
    const { requests, request, upstream, blob } = await cacheWith(LARGE)
    const artifact = await fromCache(upstream, request)
    writeFileSync(blob, Buffer.concat([LARGE.subarray(0, -1), Buffer.from([LARGE.at(-1)! ^ 1])]))
    const broken = await readBroken(artifact)
    expect(broken.error).toBeInstanceOf(IntegrityError)
    expect(broken.bytes).toBeLessThan(LARGE.length)
    expect(sha256(await fetchAll(upstream, request))).toBe(sha256(LARGE))
    expect(requests).toHaveLength(2)
  })

  it("is another one where the promise is another", async () => {
    const { requests, request, upstream } = await cacheWith(SMALL)
    const wrong = { ...request, integrity: [sri("sha512", LARGE)] }
    expect(await upstream.artifact(wrong)).toMatchObject({ kind: "mismatch" })
    expect(await upstream.artifact({ ...request, size: 3 })).toMatchObject({ kind: "mismatch" })
    expect(requests).toHaveLength(3)
    // What it has is held to each promise, and served under every one that holds.
    for (const algorithm of ["sha256", "sha384", "sha1", "md5", "sha512"])
      await readAll(await fromCache(upstream, { ...request, integrity: [sri(algorithm, SMALL)] }))
    expect(requests).toHaveLength(3)
    expect(await upstream.artifact({ ...request, integrity: [sri("sha1", LARGE)] })).toMatchObject({ kind: "mismatch" })
  })

  it("is not found by a reference that was edited, or is another address'", async () => {
    const { requests, directory, request, upstream } = await cacheWith(SMALL)
    await upstream.close()
    const [reference] = filesOf(directory, "refs")
    const text = readFileSync(reference!, "utf8")
    for (const damaged of [text.replace('"size":2', '"size":3'), text.slice(0, 80), "", "x".repeat(1_000_000)]) {
      writeFileSync(reference!, damaged)
      const again = await open({ directory })
      expect(sha256(await fetchAll(again, request))).toBe(sha256(SMALL))
      await again.close()
    }
    expect(requests).toHaveLength(5)
  })

  it("is not another address' for a reference that was copied there", async () => {
    const { base } = await startServer(routes({ "/a": SMALL, "/b": LARGE }))
    const directory = emptyDirectory()
    const ask = async (path: string) => {
      const upstream = await open({ directory })
      const bytes = await fetchAll(upstream, { url: base + path, integrity: [] })
      await upstream.close()
      return sha256(bytes)
    }
    await ask("/a")
    const [own] = filesOf(directory, "refs")
    await ask("/b")
    const other = filesOf(directory, "refs").find((file) => file !== own)
    writeFileSync(own!, readFileSync(other!))
    expect(await ask("/a")).toBe(sha256(SMALL))
  })

  it("serves without the upstream, and only what is there", async () => {
    const { request, directory } = await cacheWith(LARGE)
    const offline = await open({ directory, offline: true })
    expect(sha256(await fetchAll(offline, request))).toBe(sha256(LARGE))
    expect(await offline.artifact({ ...request, url: `${request.url}2` })).toEqual({
      ok: false,
      kind: "offline",
      detail: "the gateway is offline, and this artifact is not in its cache",
    })
  })
})

describe("an address without a promise", () => {
  it("must always give what it gave first, also after a restart and when its copy is gone", async () => {
    let bytes = SMALL
    const { base, requests } = await startServer((_, response) => void response.end(bytes))
    const directory = emptyDirectory()
    const request = { url: `${base}/mod/@v/v1.0.0.zip`, integrity: [] }
    const first = await open({ directory })
    await fetchAll(first, request)
    await first.close()
    bytes = noise(20_000, 99)
    const second = await open({ directory })
    expect(sha256(await fetchAll(second, request))).toBe(sha256(SMALL))
    rmSync(blobOf(directory, SMALL))
    expect(await second.artifact(request)).toMatchObject({ ok: false, kind: "mismatch" })
    expect(await second.artifact(request)).toMatchObject({ ok: false, kind: "mismatch" })
    bytes = SMALL
    expect(sha256(await fetchAll(second, request))).toBe(sha256(SMALL))
    expect(requests).toHaveLength(4)
  })
})

describe("the cache's directory", () => {
  it("is for its owner alone", async () => {
    const umask = process.umask(0)
    onTestFinished(() => void process.umask(umask))
    const directory = join(emptyDirectory(), "deep", "cache")
    const { base } = await startServer(routes({ "/a": SMALL }))
    const upstream = await open({ directory })
    await fetchAll(upstream, { url: `${base}/a`, integrity: [] })
    await upstream.metadata({ url: `${base}/a` })
    await upstream.close()
    expect(filesOf(directory)).toHaveLength(3)
    for (const file of filesOf(directory)) expect(statSync(file).mode & 0o777).toBe(0o600)
    for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true }))
      if (entry.isDirectory()) expect(statSync(join(entry.parentPath, entry.name)).mode & 0o777).toBe(0o700)
    expect(statSync(directory).mode & 0o777).toBe(0o700)
    chmodSync(directory, 0o755)
    await open({ directory })
    expect(statSync(directory).mode & 0o777).toBe(0o700)
  })

  it("is never a link, nor below one of its own", async () => {
    const root = emptyDirectory()
    mkdirSync(join(root, "real"))
    symlinkSync(join(root, "real"), join(root, "cache"))
    const options = { env: {}, now: Date.now }
    await expect(openUpstream({ ...options, directory: join(root, "cache") })).rejects.toThrow("symbolic link")
    mkdirSync(join(root, "own"))
    symlinkSync(join(root, "real"), join(root, "own", "blobs"))
    await expect(openUpstream({ ...options, directory: join(root, "own") })).rejects.toThrow("symbolic link")
    writeFileSync(join(root, "file"), "")
    await expect(openUpstream({ ...options, directory: join(root, "file") })).rejects.toThrow("not a directory")
    // A link that was put there later is not written through.
    const { base } = await startServer(routes({ "/a": SMALL }))
    const directory = emptyDirectory()
    const upstream = await open({ directory })
    symlinkSync(join(root, "real"), join(directory, "blobs", sha256(SMALL).slice(0, 2)))
    expect(await fetchAll(upstream, { url: `${base}/a`, integrity: [] })).toEqual(SMALL)
    await upstream.close()
    expect(readdirSync(join(root, "real"))).toEqual([])
  })

  it("goes with the process where none is given", async () => {
    const place = emptyDirectory()
    vi.stubEnv("TMPDIR", place)
    onTestFinished(() => void vi.unstubAllEnvs())
    const { base } = await startServer(routes({ "/a": SMALL }))
    const upstream = await openUpstream({ directory: undefined, env: {}, now: Date.now })
    const request = { url: `${base}/a`, integrity: [] }
    await fetchAll(upstream, request)
    expect(await readAll(await fromCache(upstream, request))).toEqual(SMALL)
    const [made] = readdirSync(place)
    expect(statSync(join(place, made!)).mode & 0o777).toBe(0o700)
    await upstream.close()
    expect(readdirSync(place)).toEqual([])
  })

  it("may be taken away under a running process", async () => {
    const { base } = await startServer(routes({ "/a": SMALL, "/b": SMALL }))
    const directory = emptyDirectory()
    const upstream = await open({ directory })
    await fetchAll(upstream, { url: `${base}/a`, integrity: [] })
    rmSync(directory, { recursive: true })
    expect(await fetchAll(upstream, { url: `${base}/b`, integrity: [] })).toEqual(SMALL)
    await readAll(await fromCache(upstream, { url: `${base}/b`, integrity: [] }))
    expect(await upstream.metadata({ url: `${base}/b` })).toMatchObject({ ok: true })
    await upstream.close()
    expect(filesOf(directory, "meta")).toHaveLength(1)
    expect(statSync(directory).mode & 0o777).toBe(0o700)
  })

  it("may stop taking files: what fits into memory does not need it", async () => {
    const { base } = await startServer(routes({ "/a": SMALL, "/b": LARGE }))
    const directory = emptyDirectory()
    const upstream = await open({ directory })
    rmSync(join(directory, "drafts"), { recursive: true })
    writeFileSync(join(directory, "drafts"), "")
    for (let i = 0; i < 2; i++) expect(await fetchAll(upstream, { url: `${base}/a`, integrity: [] })).toEqual(SMALL)
    expect(await upstream.metadata({ url: `${base}/a` })).toMatchObject({ ok: true })
    const broken = await readBroken(await upstream.artifact({ url: `${base}/b`, integrity: [] }))
    expect(broken.error).toMatchObject({ message: "the gateway's cache cannot be written to" })
    expect(broken.bytes).toBeLessThan(LARGE.length)
    rmSync(join(directory, "drafts"))
    expect(sha256(await fetchAll(upstream, { url: `${base}/b`, integrity: [] }))).toBe(sha256(LARGE))
  })
})

describe("the cache's size", () => {
  it("stays within its bounds: what was used longest ago goes, and what is being read is read on", async () => {
    const sizes = 12
    const parts = Array.from({ length: sizes }, (_, i) => noise(500_000, i + 1))
    const { base, requests } = await startServer(routes(Object.fromEntries(parts.map((part, i) => [`/${i}`, part]))))
    const directory = emptyDirectory()
    const upstream = await open({ directory, maxBytes: 3_000_000 })
    const request = (i: number) => ({ url: `${base}/${i}`, integrity: [sri("sha256", parts[i]!)] })
    await fetchAll(upstream, request(0))
    const reading = await fromCache(upstream, request(0))
    utimesSync(blobOf(directory, parts[0]!), 1, 1)
    for (let i = 1; i < sizes; i++) await fetchAll(upstream, request(i))
    await vi.waitFor(() => expect(upstream.stats().cacheBytes).toBeLessThanOrEqual(3_000_000))
    await vi.waitFor(() => {
      const total = filesOf(directory, "blobs").reduce((sum, file) => sum + statSync(file).size, 0)
      expect(total).toBeLessThanOrEqual(3_000_000)
      expect(total).toBeGreaterThan(1_000_000)
    })
    expect(existsSync(blobOf(directory, parts[0]!))).toBe(false)
    expect(existsSync(blobOf(directory, parts[sizes - 1]!))).toBe(true)
    expect(await readAll(reading)).toEqual(parts[0])
    const before = requests.length
    await fetchAll(upstream, request(0))
    expect(requests.length).toBe(before + 1)
  })

  it("is counted anew at a start, and a use counts", async () => {
    const parts = Array.from({ length: 4 }, (_, i) => noise(500_000, i + 1))
    const { base } = await startServer(routes(Object.fromEntries(parts.map((part, i) => [`/${i}`, part]))))
    const directory = emptyDirectory()
    const requests = parts.map((part, i) => ({ url: `${base}/${i}`, integrity: [sri("sha256", part)] }))
    const first = await open({ directory })
    for (const request of requests) await fetchAll(first, request)
    await first.close()
    for (const [i, part] of parts.entries()) utimesSync(blobOf(directory, part), 1_000 + i, 1_000 + i)
    const second = await open({ directory })
    await fetchAll(second, requests[0]!)
    await second.close()
    const third = await open({ directory, maxBytes: 1_200_000 })
    await vi.waitFor(() => expect(filesOf(directory, "blobs")).toHaveLength(2))
    expect(existsSync(blobOf(directory, parts[0]!))).toBe(true)
    expect(existsSync(blobOf(directory, parts[3]!))).toBe(true)
    await vi.waitFor(() => expect(third.stats().cacheBytes).toBeGreaterThan(900_000))
  })
})

describe("several processes", () => {
  function start(...args: string[]): {
    child: ChildProcess
    said: (text: string) => Promise<void>
    ended: Promise<number | null>
  } {
    const child = spawn(process.execPath, [join(import.meta.dirname, "child.ts"), ...args], {
      stdio: ["ignore", "pipe", "inherit"],
    })
    onTestFinished(() => void child.kill("SIGKILL"))
    let out = ""
    child.stdout!.on("data", (text) => {
      out += String(text)
    })
    const ended = new Promise<number | null>((resolve) => child.on("exit", resolve))
    return { child, ended, said: (text) => vi.waitFor(() => expect(out).toContain(text), { timeout: 15_000 }) }
  }

  it("leave nothing of a download that was killed in the middle", async () => {
    let killed = true
    const { base } = await startServer((_, response) => {
      response.writeHead(200, { "content-length": LARGE.length })
      if (killed) response.write(LARGE.subarray(0, 500_000))
      else response.end(LARGE)
    })
    const directory = emptyDirectory()
    const integrity = sri("sha256", LARGE)
    const { child, said, ended } = start("--directory", directory, "--url", `${base}/a`, "--integrity", integrity)
    await said("begun")
    expect(filesOf(directory, "drafts")).toHaveLength(1)
    child.kill("SIGKILL")
    await ended
    // A draft of a process that lives is left alone.
    writeFileSync(join(directory, "drafts", `${process.pid}-0`), "")
    const upstream = await open({ directory })
    expect(filesOf(directory, "drafts").map((file) => file.split("/").at(-1))).toEqual([`${process.pid}-0`])
    expect(filesOf(directory, "blobs")).toEqual([])
    killed = false
    expect(sha256(await fetchAll(upstream, { url: `${base}/a`, integrity: [integrity] }))).toBe(sha256(LARGE))
  })

  it("share one cache, writing the same things at the same time", async () => {
    const { base, requests } = await startServer((_, response) => void response.end(LARGE))
    const directory = emptyDirectory()
    const args = ["--directory", directory, "--url", `${base}/%d`, "--integrity", sri("sha256", LARGE), "--times", "20"]
    const children = [1, 2].map(() => start(...args))
    expect(await Promise.all(children.map(({ ended }) => ended))).toEqual([0, 0])
    expect(requests.length).toBeLessThanOrEqual(40)
    expect(filesOf(directory, "drafts")).toEqual([])
    expect(filesOf(directory, "blobs")).toEqual([blobOf(directory, LARGE)])
    expect(filesOf(directory, "refs")).toHaveLength(20)
    const offline = await open({ directory, offline: true })
    for (let i = 0; i < 20; i++) {
      const artifact = (await offline.artifact({ url: `${base}/${i}`, integrity: [] })) as Artifact
      expect(sha256(await readAll(artifact))).toBe(sha256(LARGE))
    }
  })
})
