// Actions as people write them, and the inline examples that every load checks.
import type { CompiledPolicy, ListRule } from "./compiled.ts"
import { canonicalHost } from "./hosts.ts"
import type { Layer } from "./layers.ts"
import { plainText } from "./text.ts"
import type { Action, Ecosystem } from "./types.ts"
import { policyError } from "./yaml.ts"

/**
 * Reads an action from one line: `pkg:npm/x@1.0.0`, `POST https://host/path`, `credential:name GET https://host/path`, `mount:/path[:rw]`, `mcp:server/tool` or
 * `skill:name@1.0.0`. Undefined where it is none of them.
 */
export function parseAction(text: string): Action | undefined {
  if (text.startsWith("pkg:")) return parsePackage(text)
  const request = /^(?:credential:(\S+) )?([A-Z]{1,20}) ([a-z][a-z0-9+.-]*:\/\/\S+)$/.exec(text)
  if (request) return parseRequest(request[2] as string, request[3] as string, request[1])
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

function parseRequest(method: string, address: string, credential: string | undefined): Action | undefined {
  const [, scheme = "", authority = "", path = ""] = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)([^?#]*)/.exec(address) ?? []
  const [, hostText = "", port] = /^(\[[^\]]*\]|[^:]*)(?::(\d{1,5}))?$/.exec(authority) ?? []
  const host = canonicalHost(hostText)
  const number = port === undefined ? PORTS[scheme] : Number(port)
  if (host === undefined || number === undefined || number < 1 || number > 65535) return undefined
  if (credential !== undefined) return { kind: "credential", credential, method, host, path: path || "/" }
  return { kind: "network", method, scheme, host, port: number, path: path || "/" }
}

/** Whether one rule, on its own, matches an action. */
export function ruleMatches(rule: ListRule, action: Action): boolean {
  return rule.kind === action.kind && rule.clauses.every((clause) => clause.holds(action))
}

interface Examples {
  match?: readonly string[] | undefined
  noMatch?: readonly string[] | undefined
}

/** Checks the inline examples of every rule; throws with the place of the first one that does not hold. */
export function checkExamples(policy: CompiledPolicy, layers: readonly Layer[]): void {
  for (const rule of policy.listRules) {
    const examples = rule.source["examples"] as Examples | undefined
    const yaml = layers[rule.layer]?.yaml
    if (!examples || !yaml) continue
    for (const side of ["match", "noMatch"] as const) {
      for (const [index, text] of (examples[side] ?? []).entries()) {
        const where = () => yaml.where([...rule.path, "examples", side, index])
        const action = parseAction(text)
        if (!action)
          policyError(
            `the example ${plainText(text, 100)} is no action`,
            where(),
            "such as pkg:npm/x@1.0.0 or POST https://host/path",
          )
        if (ruleMatches(rule, action as Action) !== (side === "match")) {
          const miss = side === "match" ? rule.clauses.find((clause) => !clause.holds(action as Action)) : undefined
          policyError(
            side === "match"
              ? `the rule ${rule.id} does not match its example ${plainText(text, 100)}`
              : `the rule ${rule.id} matches ${plainText(text, 100)}, which it must not`,
            where(),
            miss && `${miss.field}: the rule wants ${miss.wanted}, the example has ${miss.actual(action as never)}`,
          )
        }
      }
    }
  }
}
