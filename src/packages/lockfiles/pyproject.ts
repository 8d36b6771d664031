// pyproject.toml beside a lockfile: what the project itself asks for. PEP 621, PEP 735, and the tables of Poetry, PDM and uv.

import { normalisePythonName } from "../purl.ts"
import type { ReadSibling } from "../types.ts"
import { fieldOf, type Item, isTable, itemOf, optionalText, tableOf } from "./item.ts"
import { parseRequirement } from "./pep508.ts"
import { besideOf } from "./places.ts"
import { parseToml } from "./toml.ts"

/** Wanted packages by normalised name, with the range as stated. */
type Wanted = Map<string, string>

export interface PythonProject {
  /** As stated; "" where the file states none. */
  name: string
  main: Wanted
  /** Extras of the project. */
  optional: Wanted
  dev: Wanted
  /** Normalised names of the dependency groups, all of them for development. */
  devGroups: ReadonlySet<string>
}

/** Reads it; undefined where there is none. Throws where it is broken, as every package manager would. */
export async function readPyproject(readSibling: ReadSibling, lockfile: string): Promise<PythonProject | undefined> {
  const text = readSibling("pyproject.toml")
  if (text === undefined) return undefined
  const file = besideOf(lockfile, "pyproject.toml")
  const root = itemOf(await parseToml(text, file), "pyproject.toml", { file, line: () => 1 })
  const project = tableOf(root, "project")
  const tool = tableOf(root, "tool")
  const poetry = tableOf(tool, "poetry")
  const main: Wanted = new Map()
  const optional: Wanted = new Map()
  const dev: Wanted = new Map()
  const devGroups = new Set<string>(["dev"])

  addTexts(main, fieldOf(project, "dependencies"))
  for (const list of Object.values(tableOf(project, "optional-dependencies").fields)) addTexts(optional, list)
  addPoetryTable(tableOf(poetry, "dependencies"), main, optional)

  for (const groups of [tableOf(root, "dependency-groups"), tableOf(tableOf(tool, "pdm"), "dev-dependencies")]) {
    for (const [group, list] of Object.entries(groups.fields)) {
      devGroups.add(normalisePythonName(group))
      addTexts(dev, list)
    }
  }
  addTexts(dev, fieldOf(tableOf(tool, "uv"), "dev-dependencies"))
  addPoetryTable(tableOf(poetry, "dev-dependencies"), dev, dev)
  for (const [group, value] of Object.entries(tableOf(poetry, "group").fields)) {
    devGroups.add(normalisePythonName(group))
    addPoetryTable(tableOf(itemOf(value, "a group", root), "dependencies"), dev, dev)
  }
  const name = optionalText(project, "name") ?? optionalText(poetry, "name") ?? ""
  return { name, main, optional, dev, devGroups }
}

/** What is no requirement (`{include-group = "x"}`, a broken text) names no package of its own. */
function addTexts(wanted: Wanted, list: unknown): void {
  for (const text of Array.isArray(list) ? list : []) {
    const requirement = typeof text === "string" ? parseRequirement(text.replace(/^-e\s+.*#egg=/, "")) : undefined
    if (requirement !== undefined && !wanted.has(requirement.name)) wanted.set(requirement.name, requirement.range)
  }
}

function addPoetryTable(table: Item, main: Wanted, optional: Wanted): void {
  for (const [key, value] of Object.entries(table.fields)) {
    const name = normalisePythonName(key)
    if (name === "python") continue
    const isOptional = isTable(value) && value.optional === true
    const range = isTable(value) ? value.version : value
    ;(isOptional ? optional : main).set(name, typeof range === "string" ? range : "")
  }
}
