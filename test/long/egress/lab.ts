// A gate as people run it, the built CLI as a process, with an adopted policy and a vault; commands run behind it with
// `nanoguard gateway exec`, and a person who answers what is held.
import { execFileSync } from "node:child_process"
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { execa } from "execa"
import { adoptPolicy } from "../../../src/approvals/adopt.ts"
import { answerApproval } from "../../../src/approvals/answer.ts"
import { addApprover } from "../../../src/approvals/enrol.ts"
import { listApprovals } from "../../../src/approvals/list.ts"
import type { Approval, NetworkArguments } from "../../../src/approvals/types.ts"
import { readBody } from "../../../src/audit/sealing/record-shape.ts"
import type { LogRecord } from "../../../src/audit/types.ts"
import { type Context, processContext } from "../../../src/context.ts"
import { loadPolicyTexts } from "../../../src/policy/load.ts"
import { openStore } from "../../../src/store/open.ts"
import { setCredential } from "../../../src/vault/change.ts"
import type { Draft } from "../../../src/vault/credential.ts"
import { initVault } from "../../../src/vault/init.ts"
import { deriveKeys } from "../../../src/vault/keys.ts"
import { unlockVaultKey } from "../../../src/vault/unlock.ts"
import { newPerson } from "../../approvals/support.ts"
import { BIN } from "../../e2e/nanoguard.ts"
import type { TestUser } from "../../sandbox/user.ts"
import { type Origin, startOrigin } from "./origin.ts"

export interface Ran {
  exit: number
  /** What the terminal shows: both streams as they came. */
  terminal: string
}

export interface Lab {
  origin: Origin
  /** Address of a host of the origin. */
  at: (host: string) => string
  scratch: string
  /** A directory below the scratch one, with these files. */
  directory: (name: string, files?: Record<string, string>) => string
  /** Starts `sh -c line` behind the gate, as an agent's command. */
  exec: (line: string, options?: { cwd?: string; env?: Record<string, string>; agent?: string }) => Promise<Ran>
  /** Runs the CLI as the person whose gate this is. */
  nanoguard: (args: readonly string[], options?: { cwd?: string; env?: Record<string, string> }) => Promise<Ran>
  /** The person's environment. */
  env: Readonly<Record<string, string>>
  /** Resolves with what an agent asks about next; waits for it. */
  held: (agent?: string) => Promise<Approval & { asked: NetworkArguments }>
  approve: (id: string) => Promise<void>
  deny: (id: string, note: string) => Promise<void>
  /** What the log says, oldest first. */
  records: () => Promise<LogRecord[]>
  /** The gate's process. */
  pid: number
  /** What the gate said of trouble. */
  troubles: () => string
  close: () => Promise<void>
}

export interface LabOptions {
  /** Below `version: 1`, for the origin's port. */
  policy: (port: number) => string
  credentials?: readonly (Partial<Draft> & { name: string; value: string })[]
  /** Variables of the gate, for the origin's port. */
  env?: (port: number) => Record<string, string>
  /** Names of real services that the origin stands in for. */
  names?: readonly string[]
  /** Done in the person's name before the gate starts. */
  prepare?: (ctx: Context) => Promise<void>
  /** Whose gate and commands these are, from a copy of the CLI that they may read; this process's own user's where absent. */
  as?: Pick<TestUser, "uid" | "gid" | "node" | "env">
}

/** Milliseconds for a command, and for something to be held. */
const PATIENCE = 120_000

/** Opens it all. */
export async function openLab(options: LabOptions): Promise<Lab> {
  const scratch = realpathSync(mkdtempSync(join(tmpdir(), "nanoguard-egress-")))
  const origin = await startOrigin()
  const directory = (name: string, files: Record<string, string> = {}) => {
    const path = join(scratch, name)
    mkdirSync(path, { recursive: true })
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(dirname(join(path, file)), { recursive: true })
      writeFileSync(join(path, file), text)
    }
    return path
  }
  const text = `version: 1\n${options.policy(origin.port)}`
  const cwd = directory("project", { "nanoguard.yaml": text })
  const env = {
    ...{ PATH: process.env["PATH"] ?? "", HOME: directory("home"), NANOGUARD_HOME: join(scratch, "state") },
    ...{ NO_COLOR: "1", NANOGUARD_OPERATOR: "olga", CI: "1" },
    ...options.as?.env,
  }
  const ctx = { ...processContext(), cwd, env }
  await options.prepare?.(ctx)
  const store = await openStore(ctx, { gateway: "lab" })
  const ana = newPerson("ana")
  await addApprover(store, ana, ana, Date.now(), "lab")
  const texts = [{ file: "nanoguard.yaml", text }]
  const adopting = { project: cwd, texts, policy: await loadPolicyTexts(texts), since: 0 }
  await adoptPolicy(store, adopting, ana, Date.now(), "lab")
  const keys = deriveKeys(await unlockVaultKey(ctx, await initVault(ctx, { kind: "file" })))
  for (const { value, ...draft } of options.credentials ?? []) {
    const whole = { reach: { hosts: [] }, slot: { in: "bearer" }, source: { from: "value" }, shape: "plain", ...draft }
    await setCredential(store, whole as Draft, { value, keys }, ana, Date.now(), "lab")
  }
  const trust = join(directory("trust", { "ca.pem": origin.ca.certificate }), "ca.pem")
  const { program, names, user } = programOf(scratch, options.as)
  const gate = execa(program[0], ["--import", names, program[1], "gateway", "start", "--port", "0"], {
    ...{ cwd, extendEnv: false, reject: false, stdin: "ignore", ...user },
    env: {
      ...env,
      NODE_EXTRA_CA_CERTS: trust,
      NANOGUARD_TEST_NAMES: (options.names ?? []).join(" "),
      ...options.env?.(origin.port),
    },
  })
  const ready = new Promise<true>((resolve) => gate.stdout.once("data", () => resolve(true)))
  const started = await Promise.race([ready, gate])
  if (started !== true) throw new Error(`the gate did not start:\n${started.stderr}`)
  let troubles = ""
  gate.stderr.on("data", (chunk: Buffer) => {
    troubles += chunk.toString()
  })
  const known = new Set<string>()
  const answer = (id: string, given: Parameters<typeof answerApproval>[2]) =>
    answerApproval(store, id, given, ana, Date.now(), "lab").then(() => {})
  const nanoguard: Lab["nanoguard"] = async (args, more = {}) => {
    const { exitCode, all } = await execa(program[0], [program[1], ...args], {
      ...{ cwd: more.cwd ?? cwd, extendEnv: false, reject: false, stdin: "ignore", all: true, timeout: PATIENCE },
      ...user,
      env: { ...env, ...more.env },
    })
    return { exit: exitCode ?? -1, terminal: all }
  }
  return {
    ...{ origin, scratch, directory, pid: gate.pid!, troubles: () => troubles, nanoguard, env },
    at: (host) => `https://${host}:${origin.port}`,
    exec: (line, { agent = "claude-1", ...more } = {}) =>
      nanoguard(["gateway", "exec", "--agent", agent, "--", "sh", "-c", line], more),
    held: async (agent = "claude-1") => {
      for (const end = performance.now() + PATIENCE; performance.now() < end; await sleep(50)) {
        const [next] = (await listApprovals(store.db, Date.now())).filter(
          ({ id, binding }) => !known.has(id) && binding.agent === agent,
        )
        if (next === undefined) continue
        known.add(next.id)
        return { ...next, asked: next.binding.arguments as unknown as NetworkArguments }
      }
      throw new Error(`nothing was held\n${troubles}`)
    },
    approve: (id) => answer(id, { answer: "approve", terms: { scope: "run", expires: Date.now() + 600_000, uses: 1 } }),
    deny: (id, note) => answer(id, { answer: "deny", terms: { note } }),
    records: async () => {
      const rows = await store.db.selectFrom("events").select("body").orderBy("seq").execute()
      return rows.flatMap(({ body }) => readBody(body) ?? [])
    },
    close: async () => {
      gate.kill("SIGTERM")
      await gate
      await store.close()
      await origin.close()
      rmSync(scratch, { recursive: true, force: true })
    },
  }
}

const NAMES = fileURLToPath(new URL("names.ts", import.meta.url))
const ROOT = fileURLToPath(new URL("../../..", import.meta.url))

/** What is started: Node and the CLI, what is loaded before it, and as whom. What another user starts is theirs, all of it. */
function programOf(scratch: string, as: LabOptions["as"]) {
  if (as === undefined) return { program: [process.execPath, BIN] as const, names: NAMES, user: {} }
  const { uid, gid, node } = as
  const place = join(scratch, "installation")
  for (const name of ["bin", "dist", "templates", "schema", "package.json"])
    cpSync(join(ROOT, name), join(place, name), { recursive: true })
  const names = join(place, "names.ts")
  cpSync(NAMES, names)
  execFileSync("chown", ["-R", `${uid}:${gid}`, scratch])
  return { program: [node, join(place, "bin", "nanoguard.js")] as const, names, user: { uid, gid } }
}
