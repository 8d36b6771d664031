// What a person is told of where a destination comes from. It is said what was seen; that nothing was seen is never said, for it would prove nothing.
import type { SeenRequest } from "../services/types.ts"
import type { Attribution } from "../types.ts"
import type { EgressDeps } from "./deps.ts"

/** One sentence each: the first request of this run, and what it fetched before that named the destination. */
export async function provenanceOf(
  { met, sightings, now }: Pick<EgressDeps, "met" | "sightings" | "now">,
  { run }: Pick<Attribution, "run">,
  { host, port, path, query }: Pick<SeenRequest, "host" | "port" | "path" | "query">,
): Promise<string[]> {
  const said = met.get(`${run} ${host} ${port}`) === undefined ? ["the first request of this run to this host"] : []
  const found = await sightings.find(run, host, query === "" ? path : `${path}?${query}`)
  if (found !== undefined) {
    const what = found.whole ? "this very address" : "its host"
    said.push(
      `destination: ${what} appeared ${agoOf(now() - found.time)} in an answer of ${found.from} (ng-${found.seq})`,
    )
  }
  return said
}

function agoOf(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000))
  if (seconds < 120) return `${seconds} s ago`
  return seconds < 7_200 ? `${Math.round(seconds / 60)} min ago` : `${Math.round(seconds / 3_600)} h ago`
}
