// Artifacts larger than memory may be taken for them: cold, warm, and several at once.
import { spawn } from "node:child_process"
import { createHash } from "node:crypto"
import type { ServerResponse } from "node:http"
import { join } from "node:path"
import { expect, it, onTestFinished } from "vitest"
import { emptyDirectory, startServer } from "../packages/registries/server.ts"

const CHUNK = Buffer.alloc(1024 * 1024, "nanoguard")
const CHUNKS = process.env["NANOGUARD_SAMPLE"] === "1" ? 300 : 1_300
const BYTES = CHUNKS * CHUNK.length

async function run(...args: string[]): Promise<string> {
  const script = join(import.meta.dirname, "..", "gateway", "upstream", "child.ts")
  const child = spawn(process.execPath, [script, ...args], { stdio: ["ignore", "pipe", "inherit"] })
  onTestFinished(() => void child.kill("SIGKILL"))
  let out = ""
  child.stdout.on("data", (text) => {
    out += String(text)
  })
  expect(await new Promise((resolve) => child.on("exit", resolve))).toBe(0)
  return out
}

function write(response: ServerResponse): void {
  let left = CHUNKS
  const more = () => {
    while (left-- > 0) if (!response.write(CHUNK)) return
    response.end()
  }
  response.on("drain", more)
  response.writeHead(200, { "content-length": BYTES })
  more()
}

it("streams an artifact of more than a gigabyte, from the upstream and from the cache, in flat memory", async () => {
  const hash = createHash("sha512")
  for (let i = 0; i < CHUNKS; i++) hash.update(CHUNK)
  const { base, requests } = await startServer((_, response) => write(response))
  const directory = emptyDirectory()
  const args = ["--directory", directory, "--url", `${base}/a`, "--integrity", `sha512-${hash.digest("base64")}`]
  const small = Number(/memory (\d+)/.exec(await run("--directory", emptyDirectory(), "--times", "0"))![1])
  const cold = await run(...args)
  expect(cold).toContain(`whole ${BYTES}`)
  const warm = await run(...args, "--times", "2")
  expect(warm.split(`cached ${BYTES}`)).toHaveLength(3)
  expect(requests).toHaveLength(1)
  for (const out of [cold, warm]) expect(Number(/memory (\d+)/.exec(out)![1]) - small).toBeLessThan(200_000_000)
})
