// Every service that is known, and whose a host is.
import { anthropicService } from "./anthropic.ts"
import { awsService } from "./aws.ts"
import { gitService } from "./git.ts"
import { githubService } from "./github.ts"
import { gitlabService } from "./gitlab.ts"
import { googleService } from "./google.ts"
import { graphqlService } from "./graphql.ts"
import { linearService } from "./linear.ts"
import { mcpService } from "./mcp.ts"
import { openaiService } from "./openai.ts"
import { cargoService, npmService, pypiService } from "./registries.ts"
import type { Service } from "./service.ts"
import { slackService } from "./slack.ts"
import { stripeService } from "./stripe.ts"

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

/** By its name, as `Classified` has it. */
export const serviceNamed = (name: string): Service | undefined => byName.get(name)
