// The bytes of a real git, against its own server.
import { execFile, spawn } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { gunzipSync } from "node:zlib"
import { afterAll, beforeAll, expect, it } from "vitest"
import { readPush } from "../../../src/gateway/services/describe-git.ts"
import { classify, describeRequest } from "../../../src/gateway/services/index.ts"
import type { SeenRequest } from "../../../src/gateway/services/types.ts"

const run = promisify(execFile)
const root = mkdtempSync(join(tmpdir(), "ng-git-"))
const work = join(root, "work")
const env = {
  ...process.env,
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_TERMINAL_PROMPT: "0",
  GIT_AUTHOR_NAME: "a",
  GIT_AUTHOR_EMAIL: "a@acme.example",
  GIT_COMMITTER_NAME: "a",
  GIT_COMMITTER_EMAIL: "a@acme.example",
}
const git = async (...args: string[]) => (await run("git", args, { cwd: work, env })).stdout.trim()

const requests: SeenRequest[] = []
let hasBackend = false
let server: Server
let origin = ""

/** What CGI needs of a request (git-http-backend), and back. */
function serve(seen: SeenRequest, done: (status: number, headers: Record<string, string>, body: Buffer) => void): void {
  const backend = spawn("git", ["http-backend"], {
    env: {
      ...env,
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: "1",
      REMOTE_USER: "a",
      REQUEST_METHOD: seen.method,
      PATH_INFO: seen.path,
      QUERY_STRING: seen.query,
      CONTENT_TYPE: seen.headers["content-type"] ?? "",
      ...(seen.headers["git-protocol"] && { GIT_PROTOCOL: seen.headers["git-protocol"] }),
    },
  })
  const chunks: Buffer[] = []
  backend.stdout.on("data", (chunk: Buffer) => chunks.push(chunk))
  backend.on("close", () => {
    const answer = Buffer.concat(chunks)
    const end = answer.indexOf("\r\n\r\n")
    const headers = Object.fromEntries(
      answer
        .toString("latin1", 0, end)
        .split("\r\n")
        .map((line) => line.split(": ") as [string, string]),
    )
    const { Status: status, ...rest } = headers
    done(Number.parseInt(status ?? "200", 10), rest, answer.subarray(end + 4))
  })
  // A backend that refuses at once reads nothing of it.
  backend.stdin.on("error", () => {})
  backend.stdin.end(seen.body ?? Buffer.alloc(0))
}

beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on("data", (chunk: Buffer) => chunks.push(chunk))
    request.on("end", () => {
      const sent = Buffer.concat(chunks)
      const body = request.headers["content-encoding"] === "gzip" ? gunzipSync(sent) : sent
      const [path = "", query = ""] = (request.url ?? "").split("?")
      const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]))
      const seen: SeenRequest = {
        ...{ method: request.method ?? "", scheme: "https", host: "github.com", port: 443, path, query, headers },
        ...(body.length > 0 && { body }),
      }
      requests.push(seen)
      serve(seen, (status, answered, bytes) => response.writeHead(status, answered).end(bytes))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const programs = await run("git", ["--exec-path"], { env }).catch(() => undefined)
  hasBackend = programs !== undefined && existsSync(join(programs.stdout.trim(), "git-http-backend"))
  if (!hasBackend) return
  await run("git", ["init", "-q", "--bare", "-b", "main", join(root, "app.git")], { env })
  await run("git", ["-C", join(root, "app.git"), "config", "http.receivepack", "true"], { env })
  await run("git", ["-C", join(root, "app.git"), "config", "receive.advertisePushOptions", "true"], { env })
  await run("git", ["init", "-q", "-b", "main", work], { env })
  await git("remote", "add", "origin", `${origin}/app.git`)
})

afterAll(() => {
  server.close()
  rmSync(root, { recursive: true, force: true })
})

async function commit(text: string): Promise<string> {
  writeFileSync(join(work, "a.txt"), text)
  await git("add", "a.txt")
  await git("commit", "-q", "-m", text)
  return git("rev-parse", "HEAD")
}

/** What one git command sent. */
async function sent(...args: string[]): Promise<SeenRequest[]> {
  requests.length = 0
  await git(...args)
  return [...requests]
}

const operations = async (list: readonly SeenRequest[]) => {
  const found = await Promise.all(list.map((seen) => classify(seen)))
  return found.map(({ operation, access, unread }) => `${operation} ${access}${unread ? ` ${unread}` : ""}`)
}

/** Tests that need a server: of git's own, where it is installed. */
const served = (name: string, test: () => Promise<void>) =>
  it(name, async (ctx) => {
    if (!hasBackend) ctx.skip("git http-backend is missing: install git with its core programs")
    await test()
  })

served("is told apart: pushes write, fetches read", async () => {
  const first = await commit("one")
  const pushed = await sent("push", "-q", "-o", "ci.skip", "origin", "main", "HEAD:refs/tags/v1")
  // The refs first, as for a fetch; one request moves them.
  expect(await operations(pushed)).toEqual(["git:fetch read", "git:push write"])
  const push = pushed.find((seen) => (seen.body?.length ?? 0) > 4) as SeenRequest
  const read = readPush(push.body as Buffer)
  const zero = "0".repeat(40)
  expect(read?.updates).toEqual([
    { ref: "refs/heads/main", from: zero, to: first },
    { ref: "refs/tags/v1", from: zero, to: first },
  ])
  expect(read?.options).toEqual(["ci.skip"])
  expect(read?.pack.toString("latin1", 0, 4)).toBe("PACK")

  const { verb, resource, parts } = await describeRequest(push, await classify(push))
  expect(`${verb} ${resource}`).toBe("push repository github.com/app.git")
  // A pack of any size stands behind the refs.
  const large: SeenRequest = { ...push, unread: "too-large" }
  expect((await describeRequest(large, await classify(large))).parts[0]).toEqual(parts[0])
  expect(parts[0]).toEqual({
    title: "refs",
    values: [
      { name: "refs/heads/main", value: `create at ${first}` },
      { name: "refs/tags/v1", value: `create at ${first}` },
    ],
  })
  const hash = createHash("sha256")
    .update(read?.pack as Buffer)
    .digest("hex")
  expect(parts[1]?.values[0]?.value).toBe(`3 objects, ${read?.pack.length} bytes, sha256 ${hash}`)

  await git("fetch", "-q", "origin")
  expect(new Set(await operations(await sent("ls-remote", "-q", "origin")))).toEqual(new Set(["git:fetch read"]))
  const cloned = await sent("clone", "-q", `${origin}/app.git`, join(root, "clone"))
  expect(cloned.some((seen) => seen.method === "POST")).toBe(true)
  expect(new Set(await operations(cloned))).toEqual(new Set(["git:fetch read"]))
})

served("shows updates, forced ones and deletions", async () => {
  const old = await git("rev-parse", "HEAD")
  await git("commit", "-q", "--amend", "-m", "other")
  const now = await git("rev-parse", "HEAD")
  const forced = (await sent("push", "-q", "--force", "origin", "main")).at(-1) as SeenRequest
  expect((await describeRequest(forced, await classify(forced))).parts[0]?.values).toEqual([
    { name: "refs/heads/main", value: `update ${old} to ${now}; whether it is forced is not known` },
  ])
  const deleted = (await sent("push", "-q", "origin", ":refs/tags/v1")).at(-1) as SeenRequest
  expect((await describeRequest(deleted, await classify(deleted))).parts[0]?.values).toEqual([
    { name: "refs/tags/v1", value: `delete, was ${old}` },
  ])
})

it("reads nothing of what is no push", () => {
  for (const text of ["", "0000", "zzzz", "0003", "fff0x", "0008abcd", "0032"]) {
    const read = readPush(Buffer.from(text))
    expect(read === undefined || (read.updates.length === 0 && text === "0000")).toBe(true)
  }
})
