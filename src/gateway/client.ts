// Which package manager a request seems to come from.
import type { Client } from "./types.ts"

/** How each one's User-Agent begins, seen of the releases that docs/clients.md names. Pipenv asks as pip; forks are "other". */
const AGENTS: readonly (readonly [RegExp, Client])[] = [
  [/^npm\/\d/, "npm"],
  [/^pnpm\/(?:1[2-9]|[2-9]\d)\./, "pnpm"],
  [/^pnpm\/\d/, "pnpm-classic"],
  [/^yarn\/1\./, "yarn-classic"],
  [/^yarn\/\d/, "yarn"],
  // Yarn since its second major version names the library that it asks with, and not itself.
  [/^got \(/, "yarn"],
  [/^Bun\/\d/i, "bun"],
  [/^pip\/\d/, "pip"],
  [/^uv\/\d/, "uv"],
  [/^poetry\/\d/, "poetry"],
  [/^pdm\/\d/, "pdm"],
  [/^cargo[/ ]\d/, "cargo"],
  [/^Go-http-client\//, "go"],
]

/** Headers that one client alone sends, for where its User-Agent was set to something else. */
const HEADERS: readonly (readonly [string, Client])[] = [
  ["pacote-version", "npm"],
  ["npm-command", "npm"],
  ["cargo-protocol", "cargo"],
]

/**
 * The client by its own word, "other" where it says nothing that is known. Header names are in lower case, as Node has them. Whoever asks can
 * write what they like here: it chooses how something is shown, and never what is decided.
 */
export function clientOf(headers: Readonly<Record<string, string | readonly string[] | undefined>>): Client {
  const given = headers["user-agent"]
  const agent = typeof given === "string" ? given.slice(0, 200) : ""
  const found = AGENTS.find(([pattern]) => pattern.test(agent)) ?? HEADERS.find(([name]) => headers[name] !== undefined)
  return found?.[1] ?? "other"
}
