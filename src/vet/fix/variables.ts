// Variables of the environment in what a repository says of its sources. A manager that puts their values in would take a token of this machine to
// a host of the repository's choosing.
import { parse as parseToml } from "smol-toml"
import { parse as parseYaml } from "yaml"
import { parseForeignJson } from "../../foreign-json.ts"

/**
 * `$NAME`, `${NAME}`, `%NAME%` and Hatch's `{env:NAME}`. Two hexadecimal digits between percent signs are bytes of an address, and so are those within
 * a letter of UTF-8 with two signs behind them and another byte (`%C3%A9t%C3%A9`): with more, it may be a variable that is called so.
 */
const VARIABLE =
  /\$|%(?![0-9a-f]{2}%|(?<=%[89a-f][0-9a-f]%)[89ab][0-9a-f][^%\s/]{1,2}%[0-9a-f]{2})[a-z_][^%\s/]*%|\{env:/i
/** Where the project itself is: PDM and uv write addresses of its own packages with it. */
const OWN_PLACE = "\u0024{PROJECT_ROOT}"

/** What of a pyproject.toml says where packages come from, as dotted keys. */
const SOURCES = [
  ...["project.dependencies", "project.optional-dependencies", "dependency-groups", "build-system", "tool.uv"],
  ...["tool.pdm.source", "tool.pdm.dev-dependencies", "tool.pdm.resolution"],
  ...["tool.poetry.source", "tool.poetry.dependencies", "tool.poetry.dev-dependencies", "tool.poetry.group"],
]

/** A value without the strings in it, at any depth, that hold a `$`; undefined for such a string. */
export function withoutVariables(value: unknown): unknown {
  if (typeof value === "string") return value.includes("$") ? undefined : value
  if (Array.isArray(value)) return value.map(withoutVariables).filter((one) => one !== undefined)
  // Dates of TOML are objects, too.
  if (typeof value !== "object" || value === null || value instanceof Date) return value
  const entries = Object.entries(value).map(([key, one]) => [key, withoutVariables(one)] as const)
  return Object.fromEntries(entries.filter(([, one]) => one !== undefined))
}

/**
 * Whether a manifest or lockfile, told by its name (those of Python projects, and pnpm-workspace.yaml), has a variable where it says where packages
 * come from; true where it cannot be read, but for TOML: there it is whether anything in it could be one.
 */
export function hasVariables(name: string, text: string): boolean {
  try {
    // A `$` alone has pnpm look up another version.
    const variable = name === "pnpm-workspace.yaml" ? /\$\{/ : VARIABLE
    return sourcesIn(name, text).some((value) => holds(value, variable))
  } catch {
    // TOML may be a template of it, of another project. What an escape says is not known.
    return !/^(?:pyproject\.toml|Pipfile)$/.test(name) || VARIABLE.test(text) || /\\[ux]/i.test(text)
  }
}

function sourcesIn(name: string, text: string): unknown[] {
  if (name === "Pipfile.lock") return [at(parseForeignJson(text), "_meta")]
  // pnpm replaces them in any setting of its own, and in the names of settings.
  if (name === "pnpm-workspace.yaml") return [parseYaml(text, { maxAliasCount: 100 })]
  const document = parseToml(text)
  if (name === "pyproject.toml") return SOURCES.map((path) => path.split(".").reduce<unknown>(at, document))
  const { scripts: _, ...rest } = document
  return [rest]
}

function at(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, key)
    ? (value as Record<string, unknown>)[key]
    : undefined
}

function holds(value: unknown, variable: RegExp): boolean {
  if (typeof value === "string") return variable.test(value.replaceAll(OWN_PLACE, ""))
  if (typeof value !== "object" || value === null) return false
  return Object.entries(value).some(([key, one]) => variable.test(key) || holds(one, variable))
}
