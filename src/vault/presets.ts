// What is usual for the keys of well-known services: where they go, and in which slot.
import { defaultBase } from "../packages/registries/defaults.ts"
import type { Reach, Slot } from "./types.ts"

export const PRESETS = [
  ...["github", "gitlab", "anthropic", "openai", "npm", "slack", "stripe", "linear", "aws", "google"],
] as const

export type PresetName = (typeof PRESETS)[number]

export interface Preset {
  reach: Reach
  slot: Slot
  /** Where the value's own form does not say it: a shape by name. */
  shape: string
  /** Variables in which clients look for it. */
  env: readonly string[]
}

const api = (...hosts: string[]): Reach => ({ hosts })

const KNOWN: Readonly<Record<string, Preset>> = {
  github: {
    reach: api("api.github.com", "uploads.github.com"),
    slot: { in: "bearer" },
    ...{ shape: "github", env: ["GITHUB_TOKEN", "GH_TOKEN"] },
  },
  gitlab: {
    reach: { hosts: ["gitlab.com"], paths: ["/api/**"] },
    slot: { in: "header", name: "private-token" },
    ...{ shape: "gitlab", env: ["GITLAB_TOKEN"] },
  },
  anthropic: {
    reach: api("api.anthropic.com"),
    slot: { in: "header", name: "x-api-key" },
    ...{ shape: "anthropic", env: ["ANTHROPIC_API_KEY"] },
  },
  openai: { reach: api("api.openai.com"), slot: { in: "bearer" }, shape: "openai", env: ["OPENAI_API_KEY"] },
  slack: {
    reach: { hosts: ["slack.com"], paths: ["/api/**"] },
    slot: { in: "bearer" },
    ...{ shape: "slack", env: ["SLACK_BOT_TOKEN"] },
  },
  stripe: { reach: api("api.stripe.com"), slot: { in: "bearer" }, shape: "stripe", env: ["STRIPE_API_KEY"] },
  // A key of one's own goes without `Bearer`.
  linear: {
    reach: api("api.linear.app"),
    slot: { in: "header", name: "authorization" },
    ...{ shape: "linear", env: ["LINEAR_API_KEY"] },
  },
  // The key never leaves: what goes out is a signature.
  aws: { reach: api("**.amazonaws.com"), slot: { in: "aws" }, shape: "aws", env: [] },
  google: {
    reach: api("*.googleapis.com"),
    slot: { in: "header", name: "x-goog-api-key" },
    ...{ shape: "google", env: ["GOOGLE_API_KEY", "GEMINI_API_KEY"] },
  },
}

/** What is usual for a service. */
export async function findPreset(name: PresetName): Promise<Preset> {
  const known = KNOWN[name]
  if (known) return known
  const base = (await defaultBase("npm")) ?? ""
  return { reach: api(new URL(base).hostname), slot: { in: "bearer" }, shape: "npm", env: ["NPM_TOKEN"] }
}
