// Tokens that an origin gave to an agent, kept here instead: the agent gets placeholders, which work where the token would.
//
// Not covered: tokens that come in another way (a page, a redirect's address, a header, a WebSocket, a registry's or ECR's login),
// answers above 1 MiB (refused), and what an agent makes of a secret that it was given otherwise.
import { createHmac, randomBytes } from "node:crypto"
import { type Secret, splitAws } from "./outgoing.ts"
import { MARKER, makePlaceholder } from "./placeholder.ts"
import { type LiveToken, readTokens, type TokenRequest } from "./reseal-tokens.ts"
import { createScrubber } from "./scrub.ts"
import { guessShape } from "./shapes.ts"
import type { Credential, Vault } from "./types.ts"

/** A token that is kept. */
export interface Resealed {
  name: string
  run: string
  /** Name of the credential by which it was got: where the policy lets that go, this goes. */
  origin: string
  placeholder: string
  /** One for each slot that it may stand in. */
  credentials: readonly Credential[]
}

export interface Resealer {
  /**
   * Takes the tokens out of a whole answer. They may go where `origin` may, the credential which was in the request. Undefined where it
   * cannot be read, and must not be passed on.
   */
  reseal: (
    kind: TokenRequest,
    body: Buffer,
    run: string,
    origin: Pick<Credential, "name" | "reach">,
  ) => { body: Buffer; count: number } | undefined
  /** Whose placeholder a text is, as `Vault.identify` is told; of whatever run. */
  find: (text: string) => Resealed | undefined
  /** The token itself; undefined where it has expired, or its run has ended. */
  reveal: (name: string) => string | undefined
  /** Forgets what a run was given. */
  end: (run: string) => void
}

/** Bytes of an answer with tokens. */
export const MAX_TOKEN_ANSWER = 1024 * 1024
const MAX_PER_RUN = 256
const MAX_RUNS = 1024
const MAX_LIFE = 24 * 60 * 60 * 1000
const DEFAULT_LIFE = 60 * 60 * 1000
/** What goes out for AWS's session token, which the gate puts into each request itself. */
const SESSION = "session-token-kept-by-the-gate"

interface Kept extends Resealed {
  sealed: Buffer
  until: number
}

/** Cores by which a text is looked up: the whole of one in base 62, and an access key id's, which is shorter. */
const coresOf = (text: string): string[] => {
  const at = text.indexOf(MARKER)
  return at < 0 ? [] : [12, 8].map((rest) => text.slice(at, at + MARKER.length + rest))
}

/** The cores of a placeholder: one, or an access key id's and its secret key's. */
const ownCores = (placeholder: string): string[] => {
  const [first = "", second] = placeholder.split(":")
  return second === undefined ? [coresOf(first)[0]!] : [coresOf(first)[1]!, coresOf(second)[0]!]
}

/** Keeps tokens in memory, sealed by the vault, for at most a day, 256 a run. After a restart of the gate they are gone. */
export function createResealer({ vault, now }: { vault: Pick<Vault, "seal" | "open">; now: () => number }): Resealer {
  const key = randomBytes(32)
  const runs = new Map<string, Map<string, Kept>>()
  const byCore = new Map<string, Kept>()

  const drop = (kept: Kept) => {
    runs.get(kept.run)?.delete(kept.name)
    for (const core of ownCores(kept.placeholder)) byCore.delete(core)
  }
  const end = (run: string) => {
    for (const kept of [...(runs.get(run)?.values() ?? [])]) drop(kept)
    runs.delete(run)
  }

  /** The same for the same token, which servers give out again; never one that another token has. */
  const mint = (run: string, value: string, shape: string) => {
    for (let attempt = 0; ; attempt++) {
      const text = createHmac("sha256", key)
        .update(JSON.stringify([run, value, attempt]))
        .digest("hex")
      const name = `resealed/${text.slice(0, 24)}`
      const placeholder = makePlaceholder(key, name, run, shape)
      const others = ownCores(placeholder).flatMap((core) => byCore.get(core) ?? [])
      if (others.every((other) => other.name === name)) return { name, placeholder }
    }
  }

  const keep = ({ value, slots, life }: LiveToken, run: string, origin: Pick<Credential, "name" | "reach">): Kept => {
    const { reach } = origin
    const shape = slots[0]?.in === "aws" ? "aws" : shapeFor(value)
    const { name, placeholder } = mint(run, value, shape)
    const credential = { name, reach, source: { from: "value" }, shape, version: 1, by: "gate", time: now() } as const
    const kept: Kept = {
      ...{ name, run, placeholder, origin: origin.name },
      credentials: slots.map((slot) => ({ ...credential, slot })),
      sealed: vault.seal(Buffer.from(value), name),
      until: now() + Math.min(life ?? DEFAULT_LIFE, MAX_LIFE),
    }
    const ofRun = runs.get(run) ?? new Map<string, Kept>()
    // The newest at the end: the oldest goes first.
    ofRun.delete(name)
    ofRun.set(name, kept)
    runs.set(run, ofRun)
    for (const core of ownCores(kept.placeholder)) byCore.set(core, kept)
    if (ofRun.size > MAX_PER_RUN) drop(ofRun.values().next().value!)
    if (runs.size > MAX_RUNS) end(runs.keys().next().value!)
    return kept
  }

  return {
    reseal(kind, body, run, origin) {
      if (body.length > MAX_TOKEN_ANSWER) return undefined
      const tokens = readTokens(kind, body.toString("utf8"), now())
      if (tokens === undefined || tokens.length > MAX_PER_RUN) return undefined
      // Too short to be told from other text, or to be found again.
      if (tokens.some(({ value }) => value.length < 8)) return undefined
      const secrets = tokens.flatMap((token) => secretsOf(token, keep(token, run, origin).placeholder))
      const scrubber = createScrubber(secrets)
      return { body: Buffer.concat([scrubber.push(body), scrubber.end()]), count: tokens.length }
    },
    find: (text) => coresOf(text).flatMap((core) => byCore.get(core) ?? [])[0],
    reveal(name) {
      for (const ofRun of runs.values()) {
        const kept = ofRun.get(name)
        if (kept === undefined) continue
        if (now() < kept.until) return vault.open(kept.sealed, name).toString("utf8")
        drop(kept)
      }
      return undefined
    },
    end,
  }
}

/** Shapes whose cores are as the index takes them. */
function shapeFor(value: string): string {
  const shape = guessShape(value)
  return shape === "uuid" || shape.startsWith("hex") || shape === "aws" ? "plain" : shape
}

function secretsOf({ value, slots }: LiveToken, placeholder: string): Secret[] {
  if (slots[0]?.in !== "aws") return [{ value, replacement: placeholder }]
  const own = splitAws(placeholder)
  return splitAws(value).map((part, index) => ({ value: part, replacement: own[index] ?? SESSION }))
}
