// The rules of `mounts`, `mcp` and `skills` -> clauses.
import { compileArguments } from "./arguments.ts"
import { pathClause } from "./clauses.ts"
import type { LayerContext } from "./compile-packages.ts"
import type { Clause, ListRule } from "./compiled.ts"
import { matchSegment } from "./glob.ts"
import { listRule, type Source } from "./list-rule.ts"
import { compileRange } from "./ranges.ts"
import { plainText } from "./text.ts"
import type { Effect, McpAction, MountAction, SkillAction } from "./types.ts"
import { type Path, policyError } from "./yaml.ts"

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
