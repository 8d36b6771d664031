// What is known about services: what a request is to them, what rules can look at, what people are shown, what an answer has used.
import { anthropicService } from "./anthropic.ts"
import { awsService } from "./aws.ts"
import { asksBody } from "./fields.ts"
import { gitService } from "./git.ts"
import { githubService } from "./github.ts"
import { gitlabService } from "./gitlab.ts"
import { googleService } from "./google.ts"
import { graphqlService } from "./graphql.ts"
import { linearService } from "./linear.ts"
import { mcpService } from "./mcp.ts"
import { openaiService } from "./openai.ts"
import { overridesMethod } from "./override.ts"
import { cargoService, npmService, pypiService } from "./registries.ts"
import { byMethod, type Service } from "./service.ts"
import { slackService } from "./slack.ts"
import { stripeService } from "./stripe.ts"
import type { Classified, SeenRequest } from "./types.ts"

export { describeRequest } from "./describe.ts"
export { readFields } from "./fields.ts"
export { createUsageMeter } from "./usage.ts"

/** Every service that is known. */
export const SERVICES: readonly Service[] = [
  githubService,
  gitlabService,
  gitService,
  npmService,
  pypiService,
  cargoService,
  slackService,
  linearService,
  stripeService,
  awsService,
  googleService,
  anthropicService,
  openaiService,
  graphqlService,
  mcpService,
]

const byName = new Map(SERVICES.map((service) => [service.name, service]))
const byHost = new Map(SERVICES.flatMap((service) => service.hosts.map((host) => [host, service] as const)))

/** The service that a rule names, else the host's own. The exact host wins, then the longest `*.` above it. */
export function findService(host: string, named?: string): Service | undefined {
  if (named !== undefined) return byName.get(named)
  const exact = byHost.get(host)
  if (exact) return exact
  for (let dot = host.indexOf("."); dot >= 0; dot = host.indexOf(".", dot + 1)) {
    const above = byHost.get(`*${host.slice(dot)}`)
    if (above) return above
  }
  return undefined
}

/** Whether the body, if there is one, has to be read before the request can be decided: for a selector, or for what the request is. */
export function needsBody(head: SeenRequest, selectors: readonly string[], service?: string): boolean {
  return selectors.some(asksBody) || findService(head.host, service)?.needsBody?.(head) === true
}

/**
 * What a request is to its service; by its method where no service is known. What is not known to a known service, and cannot be told
 * by the method, is a write; what could be read in two ways is one, too, and `unread`.
 */
export async function classify(seen: SeenRequest, service?: string): Promise<Classified> {
  const known = findService(seen.host, service)
  const found = known ? await known.classify(seen) : byMethod(seen)
  const name = found.service ?? known?.name ?? ""
  if (overridesMethod(seen)) return { ...found, service: name, access: "write", unread: found.unread ?? "ambiguous" }
  if (seen.scheme.startsWith("ws")) return { ...found, service: name, access: "write" }
  return { ...found, service: name }
}
