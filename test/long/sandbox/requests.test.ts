// What else goes out of real boxes: clients of HTTP with placeholders for keys, and git by the addresses that people have in their
// clones. The services see the real keys, the boxes never do.
import { execFileSync } from "node:child_process"
import { globSync } from "node:fs"
import { dirname, join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { useEngine } from "../../sandbox/engines.ts"
import { serveGit } from "../egress/git-server.ts"
import { SAMPLE } from "../faults/random.ts"
import { canRun, findPythonTool } from "../python-tools.ts"
import { type BoxLab, LAB_ENGINES, openBoxLab } from "./lab.ts"

const HOST = "api.example.com"
const FORGE = "git.example.com"
const KEY = "k3y-Of-The-Real-Service-90417"
const FORGE_KEY = "k3y-Of-The-Git-Server-60291"
const BASIC = `Basic ${Buffer.from(`agent:${FORGE_KEY}`).toString("base64")}`

let lab: BoxLab
let served: string
let packages: string | undefined
beforeAll(async () => {
  const python = await findPythonTool("requests")
  const tools = "bin" in python ? globSync("lib/python3*/site-packages", { cwd: dirname(python.bin) }) : []
  const directory = "bin" in python ? join(dirname(python.bin), tools[0]!) : undefined
  lab = await openBoxLab({
    tools: directory === undefined ? [] : [directory],
    policy: (port) => `network:
  - { id: reads, allow: ${HOST}, ports: [${port}], access: read, addresses: [127.0.0.1], credential: service }
  - { id: forge, allow: ${FORGE}, service: git, ports: [${port}], addresses: [127.0.0.1], credential: forge }
  - { id: kept, deny: ${FORGE}, ports: [${port}], paths: ["/kept.git/**"] }
`,
    credentials: [
      { name: "service", value: KEY, reach: { hosts: [HOST] }, env: ["SERVICE_KEY"] },
      {
        ...{ name: "forge", value: FORGE_KEY, reach: { hosts: [FORGE] }, env: ["FORGE_KEY"] },
        slot: { in: "basic", user: "agent" },
      },
    ],
  })
  packages = directory && lab.inBox(directory)
  // It repeats what it was told: a service that gives away secrets.
  lab.origin.host(HOST, ({ method, url, headers }, response) => {
    response.end(`${method} ${url} was asked with ${headers.authorization}\n`)
  })
  served = lab.directory("served")
  lab.origin.raw(FORGE, (request, response) => serveGit(served, BASIC, request, response))
})
afterAll(() => lab?.close())

const NODE = `
for (const [method, path] of [["GET", "/items"], ["DELETE", "/items/7"]]) {
  const answer = await fetch(process.env.BASE + path, { method, headers: { authorization: "Bearer " + process.env.SERVICE_KEY } })
  console.log(answer.status, await answer.text())
}`
const PYTHON = `
import os, requests
for method, path in [["GET", "/items"], ["DELETE", "/items/7"]]:
    answer = requests.request(method, os.environ["BASE"] + path, headers={"authorization": "Bearer " + os.environ["SERVICE_KEY"]})
    print(answer.status_code, answer.text)
`

/** Each makes the same two requests: one that is let through, one that is not. */
const PROGRAMS = {
  curl: `c() { curl -sS -w '%{http_code}\\n' -H "authorization: Bearer $SERVICE_KEY" "$@"; }; c $BASE/items; c -X DELETE $BASE/items/7`,
  wget: `w() { wget -nv -O - --content-on-error -S --header "authorization: Bearer $SERVICE_KEY" "$@"; }; w $BASE/items; w --method=DELETE $BASE/items/7`,
  "node's fetch": "node fetch.mjs",
  "Python's requests": "python3 say.py",
}

describe.each(LAB_ENGINES)("in a box of %s", (engine) => {
  const programs = Object.entries(PROGRAMS).filter(([name]) => engine === "bubblewrap" || !SAMPLE || name === "curl")
  it.for(programs)("%s is let through with the real key, and reads why it is not", async ([name, line], ctx) => {
    await useEngine(ctx, engine)
    if (name === "wget" && !(await canRun("wget", ["--version"]))) ctx.skip("wget is missing: apt-get install wget")
    if (name.startsWith("Python") && packages === undefined)
      ctx.skip("Python's requests are missing: pip install requests")
    const before = lab.origin.asked.length
    const files = { "fetch.mjs": NODE, "say.py": PYTHON }
    const workspace = lab.workspace(`${name.replace(/\W/g, "-")}-${engine}`, files)
    const script = `export BASE=${lab.at(HOST)}\nexport PYTHONPATH=${packages ?? ""}\n{ ${line}; } 2>&1\nprintf 'the key is %s\\n' "$SERVICE_KEY"\ncurl -sS http://nanoguard.internal/v1/why/last`
    const { exit, terminal } = await lab.run(engine, workspace, ["sh", "-c", script])
    expect(exit, terminal).toBe(0)
    const asked = lab.origin.asked.slice(before)
    expect(asked.map(({ method, url, headers }) => [method, url, headers.authorization])).toEqual([
      ["GET", "/items", `Bearer ${KEY}`],
    ])
    expect(terminal).toContain("GET /items was asked with Bearer")
    expect(terminal).toMatch(/403/)
    expect(terminal).toMatch(/refused by policy: network\.host-denied\. \[ng-\d+\]/)
    expect(terminal).toMatch(/"code":"network\.host-denied"/)
    expect(terminal).toMatch(/the key is \S+/)
    expect(terminal).not.toContain(KEY)
  })

  it("git clones, fetches and pushes by an ssh address, with a key that it never has", async (ctx) => {
    await useEngine(ctx, engine)
    const name = `shop-${engine}`
    const repository = createRepository(name)
    const workspace = lab.workspace(`git-${engine}`)
    // One stream: an engine may mix two in any order.
    const script = `exec 2>&1; set -ex
      git config --global user.name agent && git config --global user.email agent@example.com
      git clone -q git@${FORGE}:${name}.git work && cd work && cat a.txt
      git fetch -q && git switch -q -c topic
      echo two > a.txt && git commit -qam two && git push -q -u origin topic
      git clone -q ssh://git@${FORGE}/${name}.git ../again && git -C ../again log --oneline origin/topic
      git -C .. clone -q https://other.example.com/x.git || echo "elsewhere $?"
      git -C .. clone -q git@${FORGE}:kept.git || echo "kept $?"`
    const { exit, terminal } = await lab.run(engine, workspace, ["sh", "-c", script], ["--workspace", "none"])
    expect(exit, terminal).toBe(0)
    // Git itself shows a status at most.
    expect(terminal).toMatch(/^nanoguard: \S+ \S*other\.example\.com\S* refused by policy: network\.host-denied/m)
    expect(terminal.match(/^nanoguard: \S+ \S*kept\.git\S* refused by policy: network\.host-denied/gm)).toHaveLength(1)
    expect(terminal).toMatch(/^elsewhere 128$[\s\S]*^kept 128$/m)
    expect(git(repository, "log", "--format=%s %an", "topic")).toBe("two agent\none t")
    expect(terminal).not.toContain(FORGE_KEY)
    expect(lab.origin.asked.some(({ headers }) => headers.authorization === BASIC)).toBe(true)
  })
})

const git = (cwd: string, ...args: string[]) =>
  execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@t.example", ...args], { cwd, encoding: "utf8" }).trim()

/** A repository on the server with one commit on main. */
function createRepository(name: string): string {
  const path = join(served, `${name}.git`)
  git(served, "init", "-q", "--bare", "-b", "main", path)
  git(path, "config", "http.receivepack", "true")
  const first = lab.directory(`first-${name}`, { "a.txt": "one\n" })
  git(first, "init", "-q", "-b", "main")
  git(first, "add", ".")
  git(first, "commit", "-q", "-m", "one")
  git(first, "push", "-q", path, "main")
  return path
}
