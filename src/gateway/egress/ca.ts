// A certificate authority per run. Its key is in memory only, and ends with the run: what trusted it can be told nothing by anyone
// afterwards. Name constraints are not in it: which hosts a run may reach changes with the policy while it runs.
import { generateKeyPairSync, randomBytes } from "node:crypto"
import { createSecureContext, type SecureContext } from "node:tls"
import { createLru } from "../lru.ts"
import { loadMinting, privatePem } from "./certificate.ts"

/** What a run's clients trust in place of the hosts that the gate looks into. */
export interface RunCa {
  /** PEM, for clients to trust. */
  certificate: string
  /** When clients cease to believe it, milliseconds since the epoch. */
  expires: number
  /** What proves to a client that it talks to `host`: minted on first need, kept while it is valid. `host` is canonical. */
  contextFor: (host: string) => SecureContext
}

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE
/** Clocks of clients may be behind. */
const BACKDATED = 5 * MINUTE
const LEAF = DAY
/** A leaf that ends sooner is not used for a new connection. */
const RENEW = 60 * MINUTE
const LONGEST = 7 * DAY
/** Hosts whose leaves are kept. */
const LEAVES = 500

/** Makes the authority of a run that lasts `lifetime` milliseconds, at most seven days. */
export async function openCa(run: string, lifetime = LONGEST, now: () => number = Date.now): Promise<RunCa> {
  const mint = await loadMinting()
  const keys = () => generateKeyPairSync("ec", { namedCurve: "P-256" })
  const own = keys()
  // One key for all leaves: they are the same process's, and a new one would cost more than all the rest.
  const leafKey = keys()
  const key = privatePem(leafKey.privateKey)
  // Two authorities of one name would be mistaken for one another.
  const issuer = `nanoguard gate ${randomBytes(6).toString("hex")} (run ${run.replace(/[^\w.-]/g, "-").slice(0, 24)})`
  const notBefore = now() - BACKDATED
  const expires = now() + Math.min(lifetime, LONGEST)
  const certificate = mint({ subject: issuer, issuer, key: own.publicKey, notBefore, notAfter: expires }, own)
  const kept = createLru<{ context: SecureContext; until: number }>(LEAVES)
  return {
    certificate,
    expires,
    contextFor: (host) => {
      const found = kept.get(host)
      if (found !== undefined && found.until - now() > RENEW) return found.context
      const until = Math.min(now() + LEAF, expires)
      const subject = "nanoguard gate"
      const wanted = { subject, issuer, key: leafKey.publicKey, notBefore: now() - BACKDATED, notAfter: until, host }
      const context = createSecureContext({ key, cert: mint(wanted, own), minVersion: "TLSv1.2" })
      kept.set(host, { context, until })
      return context
    },
  }
}
