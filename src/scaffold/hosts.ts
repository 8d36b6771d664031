// The model APIs that the agents need, as network rules. Everything that is not listed stays denied.
import type { Agent } from "./types.ts"

interface ModelHost {
  id: string
  host: string
  agents: readonly Agent[]
}

const MODEL_HOSTS: readonly ModelHost[] = [
  { id: "model-anthropic", host: "api.anthropic.com", agents: ["claude", "nanoclaw"] },
  { id: "model-openai", host: "api.openai.com", agents: ["codex"] },
  { id: "model-google", host: "generativelanguage.googleapis.com", agents: ["gemini"] },
]

/** The lines under `network:` of a new policy, for the agents that are used here. */
export function networkRules(agents: readonly Agent[]): string {
  const hosts = MODEL_HOSTS.filter((host) => host.agents.some((agent) => agents.includes(agent)))
  if (hosts.length === 0) return "  [] # for example: - { id: model, allow: api.model.example, methods: [POST] }"
  return hosts.map(({ id, host }) => `  - { id: ${id}, allow: ${host}, methods: [GET, HEAD, POST] }`).join("\n")
}

/** One expectation for each of them, for nanoguard.test.yaml. */
export function allowedRequests(agents: readonly Agent[]): string[] {
  return MODEL_HOSTS.filter((host) => host.agents.some((agent) => agents.includes(agent))).map(
    ({ host }) => `POST https://${host}/v1/messages`,
  )
}
