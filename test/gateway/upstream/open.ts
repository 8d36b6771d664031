// An upstream side of the gate for one test, with limits that faults reach soon, and what a test does with its answers.
import { createHash } from "node:crypto"
import { onTestFinished } from "vitest"
import { openUpstream } from "../../../src/gateway/upstream/open.ts"
import type {
  Artifact,
  ArtifactRequest,
  Metadata,
  Upstream,
  UpstreamFailure,
  UpstreamLimits,
  UpstreamOptions,
} from "../../../src/gateway/upstream/types.ts"
import { emptyDirectory } from "../../packages/registries/server.ts"

export const QUICK: Partial<UpstreamLimits> = {
  connect: 500,
  headers: 400,
  body: 400,
  total: 2_000,
  retries: 0,
  backoff: 20,
  failures: 1_000,
}

export interface Options extends Partial<Omit<UpstreamOptions, "limits">> {
  limits?: Partial<UpstreamLimits>
}

/** Closed with the test. Its cache is a directory of its own where none is given. */
export async function open({ limits, ...options }: Options = {}): Promise<Upstream> {
  const upstream = await openUpstream({
    directory: emptyDirectory(),
    env: {},
    now: Date.now,
    ...options,
    limits: { ...QUICK, ...limits },
  })
  onTestFinished(() => upstream.close())
  return upstream
}

export function sri(algorithm: string, bytes: Uint8Array): string {
  return `${algorithm}-${createHash(algorithm).update(bytes).digest("base64")}`
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex")
}

/** All of an artifact's bytes, or what went wrong while they were read and how many there were. */
export async function readAll(artifact: Artifact | UpstreamFailure): Promise<Buffer> {
  if (!artifact.ok) throw new Error(`no artifact: ${artifact.kind}: ${artifact.detail}`)
  const chunks: Uint8Array[] = []
  for await (const chunk of artifact.bytes) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** How far reading comes before it throws: the bytes that a client would have got, and the error. */
export async function readBroken(artifact: Artifact | UpstreamFailure): Promise<{ bytes: number; error: unknown }> {
  let bytes = 0
  if (!artifact.ok) return { bytes, error: artifact }
  try {
    for await (const chunk of artifact.bytes) bytes += chunk.length
  } catch (error) {
    return { bytes, error }
  }
  throw new Error("it was whole")
}

export async function fetchAll(upstream: Upstream, request: ArtifactRequest): Promise<Buffer> {
  return readAll(await upstream.artifact(request))
}

export function textOf(answer: Metadata | UpstreamFailure): string {
  return answer.ok ? answer.body.toString() : `${answer.kind}: ${answer.detail}`
}

/** Bytes that no compression and no accident makes equal to others. */
export function noise(bytes: number, seed = 1): Buffer {
  const out = Buffer.alloc(bytes)
  let state = seed
  for (let at = 0; at + 4 <= bytes; at += 4) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0
    out.writeInt32LE(state, at)
  }
  return out
}

/** The artifact as the cache has it, once the download that another began is put there. */
export async function fromCache(upstream: Upstream, request: ArtifactRequest): Promise<Artifact> {
  for (let tries = 0; tries < 200; tries++) {
    const artifact = await upstream.artifact(request)
    if (artifact.ok && artifact.cached) return artifact
    if (artifact.ok) artifact.discard()
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  throw new Error("it never came from the cache")
}
