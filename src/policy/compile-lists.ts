// The rules of network, credentials, mounts, mcp and skills -> clauses.
import { compileArguments } from "./arguments.ts"
import type { LayerContext } from "./compile-packages.ts"
import type { Budget, Clause, ListRule } from "./compiled.ts"
import { compileGlob, type Glob, isNormalPath, matchSegment } from "./glob.ts"
import { matchesHost, parseHostPattern } from "./hosts.ts"
import { compileRange } from "./ranges.ts"
import { createRule } from "./rules.ts"
import type { PolicyDocument } from "./schema.ts"
import { plainText } from "./text.ts"
import type { Action, CredentialAction, Effect, McpAction, MountAction, NetworkAction, SkillAction } from "./types.ts"
import { type Path, policyError } from "./yaml.ts"

type Source<K extends "network" | "credentials" | "mounts" | "mcp" | "skills"> = NonNullable<PolicyDocument[K]>[number]

const CODES: Readonly<Record<Exclude<Action["kind"], "package">, Readonly<Record<Effect, string>>>> = {
  network: { deny: "network.host-denied", ask: "network.approval", allow: "network.allowed" },
  credential: { deny: "credential.denied", ask: "credential.approval", allow: "credential.allowed" },
  mount: { deny: "mount.denied", ask: "mount.approval", allow: "mount.allowed" },
  mcp: { deny: "mcp.denied", ask: "mcp.approval", allow: "mcp.allowed" },
  skill: { deny: "skill.denied", ask: "skill.approval", allow: "skill.allowed" },
}

function listRule<A extends Exclude<Action, { kind: "package" }>>(
  kind: A["kind"],
  source: Source<"network" | "credentials" | "mounts" | "mcp" | "skills">,
  effect: Effect,
  layer: LayerContext,
  path: Path,
  clauses: readonly Clause<A>[],
  id = source.id,
): ListRule<A> {
  const rule = createRule({
    id,
    place: layer.place(path),
    effect,
    code: CODES[kind][effect],
    mode: layer.mode === "observe" ? "observe" : (source.mode ?? "enforce"),
    layer: layer.layer,
    path,
    note: source.reason,
    instead: source.instead,
    approvers: source.approvers,
  })
  return { ...rule, kind, subject: source[effect] as string, clauses, source }
}

/** A request rule; the first clause is the host. */
export function compileNetworkRule(
  source: Source<"network">,
  effect: Effect,
  layer: LayerContext,
  path: Path,
): ListRule<NetworkAction> {
  const clauses: Clause<NetworkAction>[] = [hostClause([source[effect] as string], layer, [...path, effect])]
  if (source.methods) clauses.push(methodClause(source.methods))
  if (source.ports || effect === "allow") {
    const ports = new Set(source.ports ?? [443])
    clauses.push({
      field: "port",
      wanted: [...ports].join(", "),
      holds: ({ port }) => ports.has(port),
      actual: ({ port }) => String(port),
    })
  }
  if (source.paths) clauses.push(pathClause(source.paths, effect !== "allow", layer, [...path, "paths"]))
  const rule = listRule<NetworkAction>("network", source, effect, layer, path, clauses)
  if (source.credential !== undefined) rule.credential = source.credential
  if (source.budget) rule.budget = compileBudget(source, rule, layer, path)
  return rule
}

/** What a network rule with a credential says about that credential: it may go where the rule reaches. */
export function credentialOfNetworkRule(
  source: Source<"network">,
  effect: Effect,
  layer: LayerContext,
  path: Path,
): ListRule<CredentialAction> | undefined {
  if (source.credential === undefined || effect === "deny") return undefined
  const clauses: Clause<CredentialAction>[] = [
    nameClause(source.credential),
    hostClause([source[effect] as string], layer, [...path, effect]),
  ]
  if (source.methods) clauses.push(methodClause(source.methods))
  if (source.paths) clauses.push(pathClause(source.paths, effect !== "allow", layer, [...path, "paths"]))
  return {
    ...listRule<CredentialAction>("credential", source, effect, layer, path, clauses),
    subject: source.credential,
  }
}

/** A credential rule; the first clause is the credential's name. */
export function compileCredentialRule(
  source: Source<"credentials">,
  effect: Effect,
  layer: LayerContext,
  path: Path,
): ListRule<CredentialAction> {
  const clauses: Clause<CredentialAction>[] = [nameClause(source[effect] as string)]
  if (source.hosts) clauses.push(hostClause(source.hosts, layer, [...path, "hosts"]))
  if (source.methods) clauses.push(methodClause(source.methods))
  if (source.paths) clauses.push(pathClause(source.paths, effect !== "allow", layer, [...path, "paths"]))
  return listRule<CredentialAction>("credential", source, effect, layer, path, clauses)
}

/** A mount rule: allow covers reading unless `write: true`; ask and deny cover both unless `write: true` narrows them. */
export function compileMountRule(
  source: Source<"mounts">,
  effect: Effect,
  layer: LayerContext,
  path: Path,
): ListRule<MountAction> {
  const subject = source[effect] as string
  if (!subject.startsWith("/") && !subject.startsWith("**/")) {
    policyError(
      "a mount rule wants an absolute path",
      layer.yaml.where([...path, effect]),
      "start it with / or with **/",
    )
  }
  const clauses: Clause<MountAction>[] = [pathClause([subject], effect !== "allow", layer, [...path, effect])]
  const write = source.write === true
  if (effect === "allow" ? !write : write) {
    clauses.push({
      field: "write",
      wanted: String(write),
      holds: (action) => action.write === write,
      actual: (action) => String(action.write),
    })
  }
  return listRule<MountAction>("mount", source, effect, layer, path, clauses)
}

/** An MCP rule: `server` is its start, `server/tool` a call, `**` everything. */
export function compileMcpRule(
  source: Source<"mcp">,
  effect: Effect,
  layer: LayerContext,
  path: Path,
): ListRule<McpAction> {
  const subject = source[effect] as string
  const [server = "", tool] = subject.split(/\/(.*)/s)
  const clauses: Clause<McpAction>[] = []
  if (subject === "**")
    clauses.push({
      field: "server",
      wanted: "any",
      holds: () => true,
      actual: ({ server: actual }) => plainText(actual, 200),
    })
  else {
    if (
      !/^[A-Za-z0-9*][A-Za-z0-9._*@-]{0,127}$/.test(server) ||
      server.includes("**") ||
      tool === "" ||
      tool?.includes("**")
    ) {
      policyError(
        "an MCP rule names a server or server/tool",
        layer.yaml.where([...path, effect]),
        "such as github, github/create_issue, github/* or **",
      )
    }
    clauses.push({
      field: "server",
      wanted: server,
      holds: (action) => matchSegment(server, action.server),
      actual: (action) => plainText(action.server, 200),
    })
    clauses.push(
      tool === undefined
        ? {
            field: "tool",
            wanted: "none (the start of the server)",
            holds: (action) => action.tool === undefined,
            actual: (action) => plainText(action.tool ?? "none", 200),
          }
        : {
            field: "tool",
            wanted: tool,
            holds: (action) => action.tool !== undefined && matchSegment(tool, action.tool),
            actual: (action) => plainText(action.tool ?? "none", 200),
          },
    )
  }
  if (source.arguments)
    clauses.push(...compileArguments(source.arguments, effect === "allow", layer, [...path, "arguments"]))
  return listRule<McpAction>("mcp", source, effect, layer, path, clauses)
}

/** A skill rule by name, version range and beginnings of its source. */
export function compileSkillRule(
  source: Source<"skills">,
  effect: Effect,
  layer: LayerContext,
  path: Path,
): { rule: ListRule<SkillAction>; name: string; prefix: boolean } {
  const subject = source[effect] as string
  const prefix = subject.endsWith("*")
  const name = prefix ? subject.slice(0, -1) : subject
  if (!/^[A-Za-z0-9@._/-]{0,128}$/.test(name))
    policyError("a skill rule names a skill", layer.yaml.where([...path, effect]), "* may only be its last character")
  const clauses: Clause<SkillAction>[] = [
    {
      field: "skill",
      wanted: subject,
      holds: (action) => (prefix ? action.name.startsWith(name) : action.name === name),
      actual: (action) => plainText(action.name, 200),
    },
  ]
  if (source.versions !== undefined) {
    const range = compileRange("npm", source.versions, effect !== "allow")
    if (!range)
      return policyError(
        "versions is not a version range",
        layer.yaml.where([...path, "versions"]),
        "the syntax is semver's, such as >=2.1.0 <3",
      )
    clauses.push({
      field: "version",
      wanted: range.text,
      holds: ({ version }) => range.test(version ?? ""),
      actual: ({ version }) => plainText(version ?? "none", 100),
    })
  }
  if (source.sources) {
    const beginnings = source.sources
    clauses.push({
      field: "source",
      wanted: beginnings.join(", "),
      holds: (action) => beginnings.some((beginning) => action.source?.startsWith(beginning)),
      actual: (action) => plainText(action.source ?? "none", 300),
    })
  }
  return { rule: listRule<SkillAction>("skill", source, effect, layer, path, clauses), name, prefix }
}

function hostClause<A extends { host: string }>(texts: readonly string[], layer: LayerContext, path: Path): Clause<A> {
  const patterns = texts.map((text, index) => {
    const pattern = parseHostPattern(text)
    const place = () => layer.yaml.where([...path, index])
    if (!pattern)
      return policyError(
        "this is not a host pattern",
        place(),
        "it wants a host alone, *.example.com, **.example.com or **",
      )
    return pattern
  })
  return {
    field: "host",
    wanted: texts.join(", "),
    holds: ({ host }) => patterns.some((pattern) => matchesHost(pattern, host)),
    actual: ({ host }) => plainText(host, 253),
  }
}

function methodClause<A extends { method: string }>(methods: readonly string[]): Clause<A> {
  const wanted = new Set(methods)
  return {
    field: "method",
    wanted: methods.join(", "),
    holds: ({ method }) => wanted.has(method),
    actual: ({ method }) => plainText(method, 30),
  }
}

/** A path that is not in normal form meets every rule that restricts and none that permits. */
function pathClause<A extends { path: string }>(
  texts: readonly string[],
  restricts: boolean,
  layer: LayerContext,
  path: Path,
): Clause<A> {
  const globs: Glob[] = texts.map((text, index) => {
    const glob = compileGlob(text)
    const place = () => layer.yaml.where([...path, index])
    if (!glob || !/^(?:\/|\*\*\/)/.test(text) || !isNormalPath(text.replace(/^\*\*/, ""))) {
      return policyError(
        "this is not a path pattern",
        place(),
        "it starts with /, * stays within a segment, ** is a whole segment",
      )
    }
    return glob
  })
  return {
    field: "path",
    wanted: texts.join(", "),
    holds: (action) => (isNormalPath(action.path) ? globs.some((glob) => glob.test(action.path)) : restricts),
    actual: (action) => plainText(action.path, 300),
  }
}

function nameClause(name: string): Clause<CredentialAction> {
  return {
    field: "credential",
    wanted: name,
    holds: ({ credential }) => name === "*" || credential === name,
    actual: ({ credential }) => plainText(credential, 200),
  }
}

const SCALE: Readonly<Record<string, number>> = { k: 1e3, M: 1e6, G: 1e9 }

function compileBudget(
  source: Source<"network">,
  rule: ListRule<NetworkAction>,
  layer: LayerContext,
  path: Path,
): Budget[] {
  return Object.entries(source.budget ?? {}).map(([unit, text]) => {
    const [, amount = "0", scale = "", window = ""] = /^([\d.]+)([kMG]?)\/(\w+)$/.exec(text) ?? []
    const place = layer.place([...path, "budget", unit])
    const exceeded = createRule({
      id: `${source.id}.budget.${unit}`,
      place,
      effect: "deny",
      code: "budget.exceeded",
      mode: rule.mode,
      layer: layer.layer,
      path,
    })
    return {
      unit,
      limit: Number(amount) * (SCALE[scale] ?? 1),
      window,
      counter: `${source.id}/${unit}`,
      rule: exceeded,
    }
  })
}
