// HTTP clients of many languages, unmodified and with nothing but the settings of `gateway exec`: what is allowed passes, what is refused
// says why on the terminal, what is held passes once somebody agreed, and the key is put in behind the client's back.
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it, type TestContext } from "vitest"
import { canRun, findPythonTool } from "../python-tools.ts"
import { type Lab, openLab } from "./lab.ts"

const KEY = "k3y-Of-The-Real-Service-90417"
const HOST = "api.example.com"

let lab: Lab
beforeAll(async () => {
  lab = await openLab({
    policy: (port) => `network:
  - { id: reads, allow: ${HOST}, ports: [${port}], access: read, addresses: [127.0.0.1], credential: service }
  - { id: posts, ask: ${HOST}, ports: [${port}], methods: [POST], addresses: [127.0.0.1], credential: service }
approvers: { default: { people: [ana] } }
`,
    credentials: [{ name: "service", value: KEY, reach: { hosts: [HOST] }, env: ["SERVICE_KEY"] }],
  })
  // It says what it was told, the key as well: a service that repeats secrets.
  lab.origin.host(HOST, ({ method, url, headers }, response, body) => {
    response.end(`${method} ${url} was said ${body} with ${headers.authorization}`)
  })
})
afterAll(() => lab?.close())

interface Program {
  label: string
  find?: (ctx: TestContext) => Promise<string | undefined>
  /** The line that says `method url body`, for each, with the key of the environment; must end well whatever is answered. */
  line: (program: string) => string
  files?: Record<string, string>
}

const STEPS = `[["GET", "/items", null], ["DELETE", "/items/7", null], ["POST", "/items", "a=1"]]`

const NODE_FETCH = `
for (const [method, path, body] of ${STEPS}) {
  const headers = { authorization: "Bearer " + process.env.SERVICE_KEY }
  const answer = await fetch(process.env.BASE + path, { method, body, headers })
  console.log(answer.status, await answer.text())
}`

const NODE_HTTPS = `
import { request } from "node:https"
for (const [method, path, body] of ${STEPS}) await new Promise((resolve, reject) => {
  const headers = { authorization: "Bearer " + process.env.SERVICE_KEY }
  request(process.env.BASE + path, { method, headers }, async (answer) => {
    let text = ""
    for await (const chunk of answer) text += chunk
    console.log(answer.statusCode, text)
    resolve()
  }).on("error", reject).end(body)
})`

const PYTHON_REQUESTS = `
import os, requests
for method, path, body in ${STEPS.replaceAll("null", "None")}:
    answer = requests.request(method, os.environ["BASE"] + path, data=body, headers={"authorization": "Bearer " + os.environ["SERVICE_KEY"]})
    print(answer.status_code, answer.text)
`

const PYTHON_URLLIB = `
import os, urllib.error, urllib.request
for method, path, body in ${STEPS.replaceAll("null", "None")}:
    data = body.encode() if body else None
    headers = {"authorization": "Bearer " + os.environ["SERVICE_KEY"]}
    try:
        with urllib.request.urlopen(urllib.request.Request(os.environ["BASE"] + path, data, headers, method=method)) as answer:
            print(answer.status, answer.read().decode())
    except urllib.error.HTTPError as error:
        print(error.code, error.read().decode())
`

const GO = `package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

func main() {
	for _, step := range [][3]string{{"GET", "/items", ""}, {"DELETE", "/items/7", ""}, {"POST", "/items", "a=1"}} {
		request, _ := http.NewRequest(step[0], os.Getenv("BASE")+step[1], strings.NewReader(step[2]))
		request.Header.Set("authorization", "Bearer "+os.Getenv("SERVICE_KEY"))
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			fmt.Println(err)
			continue
		}
		text, _ := io.ReadAll(answer.Body)
		fmt.Println(answer.StatusCode, string(text))
	}
}
`

const onMachine = (file: string, args: string[]) => async (ctx: TestContext) => {
  if (!(await canRun(file, args))) ctx.skip(`${file} is missing: install it`)
  return file
}

const CURL = `curl -sS -w '\\n%{http_code}\\n' -H "authorization: Bearer $SERVICE_KEY"`

const PROGRAMS: Program[] = [
  {
    label: "curl",
    find: onMachine("curl", ["--version"]),
    line: () => `${CURL} $BASE/items; ${CURL} -X DELETE $BASE/items/7; ${CURL} -d a=1 $BASE/items`,
  },
  {
    label: "wget",
    find: onMachine("wget", ["--version"]),
    line: () =>
      `w() { wget -nv -O - --content-on-error -S --header "authorization: Bearer $SERVICE_KEY" "$@"; }; w $BASE/items; w --method=DELETE $BASE/items/7; w --post-data=a=1 $BASE/items; true`,
  },
  { label: "node's fetch", files: { "fetch.mjs": NODE_FETCH }, line: () => `'${process.execPath}' fetch.mjs` },
  { label: "node's https", files: { "https.mjs": NODE_HTTPS }, line: () => `'${process.execPath}' https.mjs` },
  {
    label: "Python's requests",
    find: async (ctx) => {
      const found = await findPythonTool("requests")
      if ("missing" in found) ctx.skip(found.missing)
      return join((found as { bin: string }).bin, "python")
    },
    files: { "say.py": PYTHON_REQUESTS },
    line: (python) => `'${python}' say.py`,
  },
  {
    label: "Python's urllib",
    find: onMachine("python3", ["--version"]),
    files: { "say.py": PYTHON_URLLIB },
    line: () => "python3 say.py",
  },
  {
    label: "Go's net/http",
    find: onMachine("go", ["version"]),
    files: { "main.go": GO },
    line: () => "go run main.go",
  },
]

describe.each(PROGRAMS)("$label", ({ label, find, line, files = {} }) => {
  it("is let through, refused with a reason, held, and never sees the key", async (ctx) => {
    const program = (await find?.(ctx)) ?? ""
    const slug = label.replace(/\W+/g, "-")
    const cwd = lab.directory(slug, files)
    const before = lab.origin.asked.length
    const env = {
      BASE: lab.at(HOST),
      GOFLAGS: "-mod=mod",
      GOCACHE: process.env["GOCACHE"] ?? join(tmpdir(), "nanoguard-go-build"),
    }
    // An agent of its own: what was approved for one is not for the next.
    const agent = slug.toLowerCase()
    const running = lab.exec(line(program), { cwd, env, agent })
    const question = await Promise.race([lab.held(agent), running])
    if (!("asked" in question)) throw new Error(`nothing was held:\n${question.terminal}`)
    expect(question.asked).toMatchObject({ method: "POST", host: HOST, path: "/items", credential: "service" })
    // It waits for its answer: nothing of it has been sent.
    expect(lab.origin.asked.slice(before).map(({ method }) => method)).toEqual(["GET"])
    await lab.approve(question.id)
    const { terminal } = await running

    expect(lab.origin.asked.slice(before).map(({ method, body }) => `${method} ${body}`)).toEqual(["GET ", "POST a=1"])
    for (const { headers } of lab.origin.asked.slice(before)) expect(headers.authorization).toBe(`Bearer ${KEY}`)
    expect(terminal).toContain("GET /items was said")
    expect(terminal).toContain("POST /items was said a=1")
    // The refusal, in the client's own output and in the closing lines.
    expect(terminal).toMatch(/403/)
    expect(terminal).toContain(`refused by policy: network.host-denied. [`)
    const id = /"requestId":"(ng-[\w-]+)"/.exec(terminal)?.[1]
    expect(terminal).toContain(`nanoguard: refused DELETE ${lab.at(HOST)}/items/7: network.host-denied`)
    expect(terminal).toContain(`why: nanoguard why ${id}`)
    expect(terminal).not.toContain(KEY)
    expect(lab.troubles()).toBe("")
  })
})
