// Inclusion proofs out of a large log, as whole calls: which tiles, reading them from SQLite, hashing.
import { performance } from "node:perf_hooks"
import { hashLeaf, verifyInclusion } from "../../src/audit/tree/merkle.ts"
import { loadInclusion, loadRoot } from "../../src/audit/tree/tile-table.ts"
import { openFilesForReading } from "../../src/store/sqlite/reader.ts"
import type { MadeLog } from "./make-log.ts"

interface ProofTimes {
  records: number
  /** Microseconds, warm: every proof was made once before. */
  mean: number
  p50: number
  p99: number
  /** Hashes in a proof. */
  hashes: number
}

/** Proves records all over the log, each twice, and measures the second time. Every proof is verified. */
async function measureProofs({ directory, records }: MadeLog, proofs: number): Promise<ProofTimes> {
  const reader = await openFilesForReading(directory)
  const root = await loadRoot(reader.db, records)
  const indexes = Array.from({ length: proofs }, (_, n) => Math.floor((records * ((n * 0.618_034) % 1)) % records))
  const times: number[] = []
  let hashes = 0
  for (const warm of [false, true]) {
    for (const index of indexes) {
      const start = performance.now()
      const proof = await loadInclusion(reader.db, index, records)
      if (warm) times.push((performance.now() - start) * 1000)
      hashes = Math.max(hashes, proof.length)
      const { body } = await reader.db
        .selectFrom("events")
        .select("body")
        .where("seq", "=", index + 1)
        .executeTakeFirstOrThrow()
      if (!verifyInclusion(hashLeaf(body), index, { size: records, root }, proof))
        throw new Error(`no proof of ${index}`)
    }
  }
  await reader.close()
  times.sort((a, b) => a - b)
  const at = (share: number) => times[Math.floor((times.length - 1) * share)]!
  const mean = times.reduce((sum, time) => sum + time, 0) / times.length
  return { records, mean, p50: at(0.5), p99: at(0.99), hashes }
}

/** Prints how long inclusion proofs take. */
export async function benchProofs(large: () => Promise<MadeLog>, say: (text: string) => void): Promise<void> {
  const { records, mean, p50, p99, hashes } = await measureProofs(await large(), 2_000)
  const times = `mean ${mean.toFixed(0)} us, p50 ${p50.toFixed(0)}, p99 ${p99.toFixed(0)}`
  say(`an inclusion proof out of ${records} records, up to ${hashes} hashes: ${times} (wanted: below 1000)`)
}
