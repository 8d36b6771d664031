// The machine of the story: a person's home and repository, an internet on loopback, and nothing else.
import { execFileSync, spawnSync } from "node:child_process"
import { cpSync, linkSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { type Asked, startOrigin } from "../long/egress/origin.ts"
import { answerModel, errand } from "./model.ts"
import { servePackage } from "./packages.ts"

export interface Machine {
  /** The repository. */
  repo: string
  /** All that the person's programs have of an environment. */
  env: Record<string, string>
  /** What the internet was asked, oldest first. */
  asked: readonly Asked[]
  /** Where the agent's program lies, to be mounted into its box. */
  tools: string
  /** The values that no box ever sees. */
  keys: { github: string; anthropic: string }
  close: () => Promise<void>
}

const NODE_DIRECTORY = dirname(process.execPath)
/** Where the nanoguard of the story is: this clone, unless another copy is to be shown. */
const ROOT = process.env["STORY_ROOT"] ?? fileURLToPath(new URL("../..", import.meta.url))
const HOSTS = ["registry.example", "api.anthropic.com", "api.github.com", "collector.example", "errors.example"]
// Of their services' shapes, and nobody's.
const KEYS = { github: `ghp_${"RealKey0".repeat(4)}ABCD`, anthropic: `sk-ant-api03-${"Real7".repeat(18)}-AA` }

/** Makes it, with Claude Code's own program, below `directory` or the system's temporary one. */
export async function openMachine(claude: string, directory = tmpdir()): Promise<Machine> {
  const scratch = realpathSync(mkdtempSync(join(directory, "nanoguard-story-")))
  const origin = await startOrigin()
  origin.host("registry.example", ({ url }, response) => {
    const found = servePackage(url ?? "", "https://registry.example")
    if (found === undefined) response.writeHead(404).end("{}")
    else response.end(found)
  })
  origin.host("api.anthropic.com", ({ url }, response, body) => {
    if (/^\/v1\/messages(\?|$)/.test(url ?? "")) answerModel(body, response, errand)
    else response.writeHead(url === "/" ? 200 : 404).end()
  })
  origin.host("api.github.com", (request, response, body) => {
    const ours = request.headers.authorization === `Bearer ${KEYS.github}`
    if (!ours) response.writeHead(401).end('{"message":"Bad credentials"}\n')
    else response.end(`{"merged":true,"method":${JSON.stringify(methodOf(body))}}\n`)
  })
  for (const host of ["collector.example", "errors.example"])
    origin.host(host, (_, response) => response.end("thanks\n"))

  const repo = join(scratch, "shop")
  const home = join(scratch, "home")
  write(scratch, {
    "ca.pem": origin.ca.certificate,
    "home/.npmrc": "registry=https://registry.example/\n",
    "home/.gitconfig":
      "[user]\n\tname = Ana\n\temail = ana@acme.example\n[init]\n\tdefaultBranch = main\n[safe]\n\tdirectory = *\n",
    "shop/package.json": '{\n  "name": "shop",\n  "version": "1.0.0",\n  "private": true\n}\n',
    "shop/.gitignore": "node_modules\n",
    "bin/nanoguard": `#!/bin/sh\nexec '${process.execPath}' '${join(ROOT, "bin/nanoguard.js")}' "$@"\n`,
  })
  execFileSync("chmod", ["+x", join(scratch, "bin/nanoguard")])
  const tools = join(scratch, "tools")
  mkdirSync(tools)
  cpSync(new URL("start-claude.mjs", import.meta.url), join(tools, "start-claude.mjs"))
  try {
    linkSync(claude, join(tools, "claude"))
  } catch {
    // It lies on another disk.
    cpSync(claude, join(tools, "claude"))
  }
  const env = {
    PATH: `${join(scratch, "bin")}:${NODE_DIRECTORY}:${process.env["PATH"] ?? ""}`,
    ...{ HOME: home, NANOGUARD_HOME: join(scratch, "state"), NANOGUARD_OPERATOR: "ana", NO_COLOR: "1" },
    ...{ LANG: "C.UTF-8", TERM: "xterm-256color", PS1: "$ " },
    NODE_OPTIONS: `--import=${fileURLToPath(new URL("internet.ts", import.meta.url))}`,
    ...{ NODE_EXTRA_CA_CERTS: join(scratch, "ca.pem"), STORY_HOSTS: HOSTS.join(" "), STORY_PORT: String(origin.port) },
  }
  const git = (...args: string[]) => execFileSync("git", args, { cwd: repo, env, stdio: "pipe" })
  git("init", "-q")
  git("add", ".")
  git("commit", "-qm", "A shop")
  // A box has the ids of whoever owns the workspace: not root's, where the story is told by root.
  if (process.getuid?.() === 0) execFileSync("chown", ["-R", "1000:1000", repo])
  return {
    ...{ repo, env, tools, keys: KEYS, asked: origin.asked },
    close: async () => {
      // Where the story broke off a box or its gate may still be there; at its end there is neither.
      for (const args of [
        ["kill", "--all", "--reason", "the story is over"],
        ["gateway", "stop"],
      ])
        spawnSync("nanoguard", args, { cwd: repo, env, stdio: "ignore", timeout: 30_000 })
      await origin.close()
      rmSync(scratch, { recursive: true, force: true })
    },
  }
}

function methodOf(body: Buffer): string {
  try {
    return String((JSON.parse(body.toString()) as { merge_method?: unknown }).merge_method)
  } catch {
    return "merge"
  }
}

function write(directory: string, files: Record<string, string>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true })
    writeFileSync(join(directory, path), text)
  }
}
