// Approvers with keys of their own, questions, and a place for gateways of one store.
import { generateKeyPairSync, sign } from "node:crypto"
import { sql } from "kysely"
import { onTestFinished, type TestContext } from "vitest"
import { addApprover } from "../../src/approvals/enrol.ts"
import { packageQuestion } from "../../src/approvals/packages.ts"
import { requestApproval } from "../../src/approvals/queue.ts"
import { formatPublicKey } from "../../src/approvals/signature.ts"
import type { Asked, Requested, Signer } from "../../src/approvals/types.ts"
import type { LogRecord } from "../../src/audit/types.ts"
import { decide } from "../../src/policy/decide.ts"
import { loadPolicy } from "../../src/policy/load.ts"
import type { PackageAction } from "../../src/policy/types.ts"
import { openStore } from "../../src/store/open.ts"
import type { Change, Store } from "../../src/store/types.ts"
import { emptyHome, NOW, temporaryDirectory, testContext } from "../context.ts"
import { action, FINE } from "../policy/support.ts"

/** Makes a new, empty store and returns the variables that lead to it. */
export type Prepare = (ctx: TestContext) => Promise<Record<string, string>>

export const MINUTE = 60_000
export const HOUR = 60 * MINUTE

export type Person = Signer & { key: string; pkcs8: string }

/** Somebody with a key, which they sign with. */
export function newPerson(name: string): Person {
  const { privateKey } = generateKeyPairSync("ed25519")
  return {
    name,
    key: formatPublicKey(privateKey),
    pkcs8: privateKey.export({ type: "pkcs8", format: "der" }).toString("base64"),
    sign: async (message) => `ed25519:${sign(null, Buffer.from(message), privateKey).toString("base64")}`,
  }
}

/** A store, and people enrolled in it: the first is the root. */
export async function newPlace(prepare: Prepare, t: TestContext, names: readonly string[] = ["ana", "ben", "cy"]) {
  const env = emptyHome(await prepare(t))
  const ctx = testContext(temporaryDirectory(), { env })
  const open = async (gateway = "gw"): Promise<Store> => {
    const store = await openStore(ctx, { gateway })
    onTestFinished(() => store.close())
    return store
  }
  const store = await open()
  const people = names.map(newPerson)
  for (const person of people) await addApprover(store, person, people[0]!, NOW, "test")
  return { ctx, open, store, people }
}

/** Scripts ask; two of three maintainers decide about names that a rule asks for. */
export const POLICY = loadPolicy(
  `version: 1
packages:
  deny: { severity: high }
  ask: { install-scripts: true }
  rules:
    - { id: natives, ask: pkg:npm/better-sqlite3, approvers: two }
approvers:
  default: { people: [ana, ben, cy], expire: 15m }
  two: { people: [ana, ben], quorum: 2 }
  cys: { people: [cy] }
`,
  "nanoguard.yaml",
)

export const PURL = "pkg:npm/esbuild@0.25.1"
export const WHO = { agent: "claude-1", run: "r1", operator: "olga" }

/** The question about a package whose install would run a script, or whose name a rule asks about. */
export function question(purl = PURL, who: Partial<typeof WHO> = WHO, more: Partial<Asked> = {}): Asked {
  const verdict = decide(POLICY, action(purl) as PackageAction, {
    now: NOW,
    facts: { ...FINE, installScripts: purl === PURL || purl.includes("esbuild") ? ["postinstall"] : [] },
  })
  if (verdict.effect !== "ask") throw new Error(`${purl}: ${verdict.effect} ${verdict.code}`)
  return { ...packageQuestion({ agent: "claude-1", ...who }, { policy: POLICY, verdict, purl }), ...more }
}

/** Asks, and expects that it is taken. */
export async function ask(store: Store, asked: Asked = question(), now = NOW): Promise<Requested> {
  const requested = await requestApproval(store, asked, now, "test")
  if (requested.state === "flooded") throw new Error("flooded")
  return requested
}

/** An answer that grants, for an hour. */
export const yes = (more: object = {}) => ({
  answer: "approve" as const,
  terms: { scope: "run" as const, expires: NOW + HOUR, ...more },
})

/** An answer that refuses. */
export const no = { answer: "deny" as const, terms: { note: "use got instead" } }

/** The grants of who asked, a minute later. */
export const filter = { policy: POLICY, ...WHO, now: NOW + MINUTE }

/** The log, oldest first. */
export async function records(store: Store): Promise<LogRecord[]> {
  const rows = await store.db.selectFrom("events").selectAll().orderBy("seq").execute()
  return rows.map(({ body }) => JSON.parse(body) as LogRecord)
}

/** A change in SQL, as whoever may write to the store could make it. */
export const change = (store: Store, text: string): Change => sql.raw(text).compile(store.db)
