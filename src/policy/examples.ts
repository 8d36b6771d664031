// Actions as people write them, and the inline examples that every load checks.

import type { Where } from "../errors.ts"
import type { CompiledPolicy, ListRule } from "./compiled.ts"
import { canonicalHost } from "./hosts.ts"
import type { Layer } from "./layers.ts"
import { plainText } from "./text.ts"
import type { Action, Ecosystem } from "./types.ts"
import { policyError } from "./yaml.ts"

/**
 * Reads an action from one line: `pkg:npm/x@1.0.0`, `POST https://host/path`, the same with
 * ` as github:pulls.merge` (its operation), `credential:name GET https://host/path`, `mount:/path[:rw]`, `mcp:server/tool` or
 * `skill:name@1.0.0`. Undefined where it is none of them.
 */
export function parseAction(text: string): Action | undefined {
  if (text.startsWith("pkg:")) return parsePackage(text)
  const request = /^(?:credential:(\S+) )?([A-Z]{1,20}) ([a-z][a-z0-9+.-]*:\/\/\S+)(?: as (\S+))?$/.exec(text)
  if (request) {
    const [, credential, method = "", address = "", operation] = request
    return parseRequest(method, address, credential, operation)
  }
  const [, kind, rest = ""] = /^(mount|mcp|skill):(.+)$/.exec(text) ?? []
  if (kind === "mount") {
    const [, path = "", access] = /^(.*?)(:rw|:ro)?$/.exec(rest) ?? []
    return { kind, path, write: access === ":rw" }
  }
  if (kind === "mcp") {
    const slash = rest.indexOf("/")
    return slash < 0 ? { kind, server: rest } : { kind, server: rest.slice(0, slash), tool: rest.slice(slash + 1) }
  }
  if (kind === "skill") {
    const at = rest.lastIndexOf("@")
    return at > 0 ? { kind, name: rest.slice(0, at), version: rest.slice(at + 1) } : { kind, name: rest }
  }
  return undefined
}

function parsePackage(purl: string): Action | undefined {
  const match = /^pkg:([a-z][a-z0-9.+-]*)\/([^?#]+?)(?:@([^@/?#]+))?(?:[?#].*)?$/.exec(purl)
  if (!match?.[1] || !match[2]) return undefined
  try {
    const name = decodeURIComponent(match[2])
    const version = decodeURIComponent(match[3] ?? "")
    const source = { kind: "registry", origin: "default" } as const
    return {
      kind: "package",
      purl,
      ecosystem: match[1] as Ecosystem,
      name: match[1] === "pypi" ? name.toLowerCase().replace(/[-_.]+/g, "-") : name,
      version,
      source,
    }
  } catch {
    return undefined
  }
}

const PORTS: Readonly<Record<string, number>> = { https: 443, wss: 443, http: 80, ws: 80 }

function parseRequest(
  method: string,
  address: string,
  credential: string | undefined,
  operation: string | undefined,
): Action | undefined {
  const [, scheme = "", authority = "", path = "", query] =
    /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)([^?#]*)(?:\?([^#]*))?/.exec(address) ?? []
  const [, hostText = "", port] = /^(\[[^\]]*\]|[^:]*)(?::(\d{1,5}))?$/.exec(authority) ?? []
  const host = canonicalHost(hostText)
  const number = port === undefined ? PORTS[scheme] : Number(port)
  if (host === undefined || number === undefined || number < 1 || number > 65535) return undefined
  if (credential !== undefined) {
    if (operation !== undefined) return undefined
    const port = number === 443 ? {} : { port: number }
    return { kind: "credential", credential, method, host, ...port, path: path || "/" }
  }
  const more = { ...(query !== undefined && { fields: queryFields(query) }), ...(operation && { operation }) }
  return { kind: "network", method, scheme, host, port: number, path: path || "/", ...more }
}

/** What selectors find in a query: a list where a name comes several times. */
function queryFields(query: string): Record<string, string | string[]> {
  const pairs = new URLSearchParams(query)
  return Object.fromEntries(
    [...new Set(pairs.keys())].map((name) => {
      const values = pairs.getAll(name)
      return [`query.${name}`, values.length === 1 ? (values[0] as string) : values]
    }),
  )
}

/** Whether one rule, on its own, matches an action. */
export function ruleMatches(rule: ListRule, action: Action): boolean {
  return rule.kind === action.kind && rule.clauses.every((clause) => clause.holds(action))
}

interface Examples {
  match?: readonly string[] | undefined
  noMatch?: readonly string[] | undefined
}

export interface ExampleResult {
  rule: ListRule
  side: "match" | "noMatch"
  text: string
  where: Where
  /** Undefined where the example holds. */
  problem?: { message: string; hint?: string }
}

/** Tries every inline example on its rule. */
export function exampleResults(policy: CompiledPolicy, layers: readonly Layer[]): ExampleResult[] {
  return policy.listRules.flatMap((rule) => {
    const examples = rule.source["examples"] as Examples | undefined
    const yaml = layers[rule.layer]?.yaml
    if (!examples || !yaml) return []
    return (["match", "noMatch"] as const).flatMap((side) =>
      (examples[side] ?? []).map((text, index): ExampleResult => {
        const problem = problemOf(rule, side, text)
        return {
          rule,
          side,
          text,
          where: yaml.where([...rule.path, "examples", side, index]),
          ...(problem && { problem }),
        }
      }),
    )
  })
}

function problemOf(rule: ListRule, side: "match" | "noMatch", text: string): ExampleResult["problem"] {
  const action = parseAction(text)
  const shown = plainText(text, 100)
  if (!action)
    return { message: `the example ${shown} is no action`, hint: "such as pkg:npm/x@1.0.0 or POST https://host/path" }
  if (ruleMatches(rule, action) === (side === "match")) return undefined
  if (side === "noMatch") return { message: `the rule ${rule.id} matches ${shown}, which it must not` }
  const message = `the rule ${rule.id} does not match its example ${shown}`
  if (rule.kind !== action.kind)
    return { message, hint: `the rule is about a ${rule.kind}, the example is a ${action.kind}` }
  const miss = rule.clauses.find((clause) => !clause.holds(action))
  return {
    message,
    ...(miss && { hint: `${miss.field}: the rule wants ${miss.wanted}, the example has ${miss.actual(action)}` }),
  }
}

/** Checks the inline examples of every rule; throws with the place of the first one that does not hold. */
export function checkExamples(policy: CompiledPolicy, layers: readonly Layer[]): void {
  const failed = exampleResults(policy, layers).find(({ problem }) => problem !== undefined)
  if (failed?.problem) policyError(failed.problem.message, failed.where, failed.problem.hint)
}
