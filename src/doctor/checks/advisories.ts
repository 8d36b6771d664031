// The advisories: what is reported after their date is not found.
import { openDefaultAdvisories } from "../../packages/advisories/index.ts"
import type { Check } from "../types.ts"

/** Days after which advisories miss what was reported since. */
const OLD = 7

/** How old they are. Their bytes are checked by `advisories status`. */
export const advisoriesCheck: Check = {
  id: "advisories",
  title: "Advisories",
  run: async ({ ctx }) => {
    const index = openDefaultAdvisories(ctx)
    const { records, asOf } = index.info
    index.close()
    const days = asOf === "" ? undefined : Math.floor((ctx.now() - Date.parse(asOf)) / 86_400_000)
    const facts = { records, asOf, ...(days !== undefined && { days }) }
    const why = `${records} advisories, ${days === undefined ? "of no date" : `as of ${asOf.slice(0, 10)}`}`
    if (days !== undefined && days <= OLD) return { state: "ok", facts, why }
    return { state: "warn", facts, why: `${why}: older than ${OLD} days`, fix: "nanoguard advisories update" }
  },
}
