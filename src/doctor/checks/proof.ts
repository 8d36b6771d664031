// The proofs of the log, as far as a glance tells: `audit verify` computes them again.
import { formatDuration } from "../../policy/duration.ts"
import { readStoreStatus } from "../../store/status.ts"
import type { Check } from "../types.ts"

/** Milliseconds after which records should be under a checkpoint, whatever the deriver's settings. */
const SOON = 60 * 60_000

/** Whether index, checkpoints and outside places have come as far as the log. */
export const proofCheck: Check = {
  id: "proof",
  title: "Log proof",
  run: async ({ ctx, reader }) => {
    if ((await reader()) === undefined) return { state: "skip", why: "there is no record yet" }
    const status = await readStoreStatus(ctx)
    const { records, derived, checkpoint, anchors, publications } = status
    const signed = checkpoint?.size ?? 0
    const published = Math.max(0, ...publications.map(({ size }) => size))
    const facts = { records, derived, signed, published, anchors }
    if (Math.max(signed, published, derived) > records)
      return {
        state: "fail",
        facts,
        why: `the log ends with record ${records}, and had ${Math.max(signed, published, derived)}: records are gone`,
        fix: "nanoguard audit verify",
      }
    if (records === 0) return { state: "ok", facts, why: "nothing is recorded yet" }
    const age = ctx.now() - (checkpoint?.time ?? 0)
    if (signed < records && age > SOON)
      return {
        state: "warn",
        facts,
        why: `${records - signed} records are under no checkpoint, the last one is ${checkpoint === null ? "not there" : `${formatDuration(age)} old`}`,
        fix: "nanoguard audit checkpoint",
      }
    if (derived < records)
      return {
        state: "warn",
        facts,
        why: `the index is ${records - derived} records behind`,
        fix: "nanoguard store derive",
      }
    if (anchors.length === 0)
      return {
        state: "warn",
        facts,
        why: "no outside place has its checkpoints: who may rewrite the store can rewrite all of it unseen",
        fix: "export NANOGUARD_ANCHORS=dir:/path/on/another/machine && nanoguard audit checkpoint --publish",
      }
    const silent = anchors.filter((name) => !publications.some(({ anchor }) => anchor === name))
    if (silent.length > 0)
      return {
        state: "warn",
        facts,
        why: `${silent[0]} has confirmed nothing yet`,
        fix: "nanoguard audit checkpoint --publish",
      }
    return {
      state: "ok",
      facts,
      why: `checkpoint over ${signed} of ${records} records, published to ${anchors.length}`,
    }
  },
}
