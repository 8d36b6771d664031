// How a gate stands, gathered from its parts.
import type { Kysely } from "kysely"
import { countHeld } from "../approvals/list.ts"
import type { Tables } from "../store/schema.ts"
import type { OpenVault } from "../vault/open.ts"
import { VERSION } from "../version.ts"
import type { GateStatus } from "./control.ts"
import type { OpenEgress } from "./egress/open.ts"
import type { LawBook } from "./law.ts"
import { PROTOCOLS } from "./protocols/index.ts"
import type { RunBook } from "./runs.ts"
import type { Upstream } from "./upstream/types.ts"

export interface StatusParts {
  gateway: string
  origin: string
  /** Milliseconds since the epoch. */
  started: number
  offline: boolean
  law: Pick<LawBook, "current" | "kept">
  runs: Pick<RunBook, "size" | "visits">
  upstream: Pick<Upstream, "stats">
  egress: Pick<OpenEgress, "connections"> | undefined
  vault: Pick<OpenVault, "status"> | undefined
  db: Kysely<Tables>
  now: number
}

/** The document of `gateway status`. Rejects where the store cannot be read. */
export async function describeGate(parts: StatusParts): Promise<GateStatus> {
  const { gateway, origin, started, offline, law, runs, upstream, egress, vault } = parts
  const { policy, project, adopted, evidence } = law.current()
  const { info, covers } = evidence.advisories
  const kept = law.kept()
  return {
    schema: "nanoguard.gateway-status/1",
    ...{ gateway, pid: process.pid, version: VERSION, origin, started, offline },
    policy: { hash: policy.hash, project, ...(adopted && { adopted }) },
    ...(kept !== undefined && { kept }),
    advisories: {
      ...{ records: info.records, asOf: info.asOf },
      lacking: [...PROTOCOLS.keys()].filter((one) => !covers(one)),
    },
    ...{ runs: runs.size, visits: runs.visits, upstream: upstream.stats() },
    ...(egress && {
      egress: {
        rules: policy.listRules.filter(({ kind }) => kind === "network").length,
        ...{ mode: policy.mode, connections: egress.connections, held: await countHeld(parts.db, parts.now) },
      },
    }),
    ...(vault && { vault: vault.status() }),
  }
}
