// Layers of validated documents -> one CompiledPolicy.

import { compileApprovers } from "./compile-approvers.ts"
import { compileConditions, listedRegistries } from "./compile-conditions.ts"
import { compileMcpRule, compileMountRule, compileSkillRule } from "./compile-lists.ts"
import { compileCredentialRule, compileNetworkRule, credentialOfNetworkRule } from "./compile-network.ts"
import { compileException, compilePackageRule, type LayerContext } from "./compile-packages.ts"
import type { Approvers, CompiledPolicy, Condition, Exception, HostIndex, ListRule, NameIndex } from "./compiled.ts"
import { hashLayers } from "./hash.ts"
import { addHost, groupBy, indexOf, mcpKey } from "./indexes.ts"
import { closedDefaults, type Layer, mergeDefaults, mergeMissing, mergeMode, mergeUnknownSeverity } from "./layers.ts"
import { addToIndex, createNameIndex } from "./name-index.ts"
import { mergeRisks } from "./risk.ts"
import { createRule } from "./rules.ts"
import { plainText } from "./text.ts"
import type { CredentialAction, Effect, McpAction, MountAction, PackageAction, SkillAction } from "./types.ts"
import { type Path, policyError, type YamlFile } from "./yaml.ts"

/** Compiles layers, outermost first. Throws NanoguardError with the place of whatever cannot be compiled. */
export function compilePolicy(layers: readonly Layer[]): CompiledPolicy {
  const mode = mergeMode(layers)
  const contexts = layers.map(({ yaml }, layer) => layerContext(yaml, layer, mode))
  const ids = new Map<string, string>()
  const packageRules = new Map<string, NameIndex<ListRule<PackageAction>>>()
  const exceptions = new Map<string, NameIndex<Exception>>()
  const allExceptions: Exception[] = []
  const conditions: Condition[] = []
  const hosts: HostIndex = { exact: new Map(), oneLabel: new Map(), anyDepth: new Map(), any: [] }
  const credentials: ListRule<CredentialAction>[] = []
  const mounts: ListRule<MountAction>[] = []
  const mcp: ListRule<McpAction>[] = []
  const skills: NameIndex<ListRule<SkillAction>> = createNameIndex()
  const listRules: ListRule[] = []
  const approvers = new Map<string, Approvers>()
  const unknownSeverity = mergeUnknownSeverity(layers)

  for (const [index, { document, yaml }] of layers.entries()) {
    const layer = contexts[index] as LayerContext
    const each = <
      T extends {
        id: string
        allow?: string | undefined
        ask?: string | undefined
        deny?: string | undefined
        mode?: "observe" | undefined
        risk?: string | undefined
      },
    >(
      list: readonly T[] | undefined,
      section: Path,
      compile: (source: T, effect: Effect, path: Path) => void,
    ) => {
      for (const [position, source] of (list ?? []).entries()) {
        const path = [...section, position]
        const effect = verbOf(source, yaml, path)
        const earlier = ids.get(source.id)
        if (earlier !== undefined)
          policyError(
            `the id ${source.id} is already used at ${earlier}`,
            yaml.where([...path, "id"]),
            "give every rule an id of its own",
          )
        ids.set(source.id, layer.place([...path, "id"]))
        compile(source, effect, path)
      }
    }
    if (document.packages) {
      // A registry that a layer lists is accepted by that layer and those below; what stands above has not heard of it.
      const here = layers.slice(0, index + 1).map(({ document }) => document.packages)
      const context = { unknownSeverity, isListedRegistry: listedRegistries(here) }
      conditions.push(...compileConditions(document.packages, layer, context))
      for (const [position, source] of (document.packages.exceptions ?? []).entries()) {
        const { pattern, exception } = compileException(source, position, layer)
        addToIndex(indexOf(exceptions, pattern.ecosystem), pattern.name, pattern.prefix, exception)
        allExceptions.push(exception)
      }
    }
    each(document.packages?.rules, ["packages", "rules"], (source, effect, path) => {
      const { pattern, rule } = compilePackageRule(source, effect, layer, path)
      addToIndex(indexOf(packageRules, pattern.ecosystem), pattern.name, pattern.prefix, rule)
      listRules.push(rule)
    })
    each(document.network, ["network"], (source, effect, path) => {
      const rule = compileNetworkRule(source, effect, layer, path)
      addHost(hosts, rule)
      listRules.push(rule)
      const credential = credentialOfNetworkRule(source, effect, layer, path)
      if (credential) credentials.push(credential)
    })
    each(document.credentials, ["credentials"], (source, effect, path) => {
      const rule = compileCredentialRule(source, effect, layer, path)
      credentials.push(rule)
      listRules.push(rule)
    })
    each(document.mounts, ["mounts"], (source, effect, path) => {
      const rule = compileMountRule(source, effect, layer, path)
      mounts.push(rule)
      listRules.push(rule)
    })
    each(document.mcp, ["mcp"], (source, effect, path) => {
      const rule = compileMcpRule(source, effect, layer, path)
      mcp.push(rule)
      listRules.push(rule)
    })
    each(document.skills, ["skills"], (source, effect, path) => {
      const { rule, name, prefix } = compileSkillRule(source, effect, layer, path)
      addToIndex(skills, name, prefix, rule)
      listRules.push(rule)
    })
    for (const [name, source] of Object.entries(document.approvers ?? {})) {
      if (approvers.has(name))
        policyError(
          `the approvers ${plainText(name, 64)} are already defined in a layer above`,
          yaml.where(["approvers", name], true),
        )
      approvers.set(name, compileApprovers(source, layer, ["approvers", name]))
    }
  }

  const place = (layer: number, path: Path) => contexts[layer]?.place(path) ?? "built-in"
  const missingRule = (effect: Effect) => {
    const layer = layers.findIndex(({ document }) => document.packages?.unknown !== undefined)
    const path: Path = ["packages", "unknown"]
    return createRule({
      id: "packages.unknown",
      place: layer < 0 ? "built-in" : place(layer, path),
      effect,
      code: "evidence.missing",
      mode,
      layer: Math.max(layer, -1),
      path,
    })
  }
  const needs = [...new Set(conditions.flatMap((condition) => condition.needs))].sort()
  return {
    hash: hashLayers(layers),
    mode,
    files: layers.map(({ yaml }) => yaml.file),
    packages: {
      conditions,
      rules: packageRules,
      exceptions,
      allExceptions,
      registries: layers.flatMap(({ document }) => document.packages?.registries ?? []),
      missing: mergeMissing(layers),
      missingRules: { allow: missingRule("allow"), ask: missingRule("ask"), deny: missingRule("deny") },
      needs,
      defaults: mergeDefaults(layers, "packages", mode, place),
    },
    network: { hosts, defaults: closedDefaults("network", mode) },
    credentials: {
      rules: credentials,
      byName: groupBy(credentials, (rule) => rule.subject),
      defaults: closedDefaults("credentials", mode),
    },
    mounts: { rules: mounts, defaults: mergeDefaults(layers, "mounts", mode, place) },
    mcp: {
      rules: mcp,
      byServer: groupBy(mcp, (rule) => mcpKey(rule.subject)),
      defaults: mergeDefaults(layers, "mcp", mode, place),
    },
    skills: { rules: skills, defaults: mergeDefaults(layers, "skills", mode, place) },
    listRules,
    approvers,
    risks: mergeRisks(layers),
    // What a layer above says of the box stands.
    sandbox: Object.assign({}, ...layers.toReversed().map(({ document }) => document.sandbox ?? {})),
  }
}

function layerContext(yaml: YamlFile, layer: number, mode: "enforce" | "observe"): LayerContext {
  const place = (path: Path, key = false) => {
    const { file, line, column } = yaml.where(path, key)
    return `${file}:${line}:${column}`
  }
  return { yaml, layer, mode, place }
}

/** The verb of a rule; exactly one of the three has to be there. */
function verbOf(
  source: {
    id: string
    allow?: string | undefined
    ask?: string | undefined
    deny?: string | undefined
    mode?: "observe" | undefined
    risk?: string | undefined
  },
  yaml: YamlFile,
  path: Path,
): Effect {
  const verbs = (["allow", "ask", "deny"] as const).filter((verb) => source[verb] !== undefined)
  const [verb] = verbs
  if (verb === undefined || verbs.length > 1) {
    return policyError(
      `the rule ${source.id} has ${verb ? verbs.join(" and ") : "no verb"}`,
      yaml.where(path),
      "a rule has exactly one of allow, ask and deny",
    )
  }
  if (verb === "allow" && source.mode === "observe")
    policyError("an allow has nothing to observe", yaml.where([...path, "mode"]), "remove mode")
  if (verb !== "ask" && source.risk !== undefined)
    policyError(
      "risk is for rules that ask",
      yaml.where([...path, "risk"], true),
      "it says how careful people have to be with their yes",
    )
  return verb
}
