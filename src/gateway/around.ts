// Commands that would fetch a package round the gate: from a repository, an address, a file, or another registry. `gateway exec` refuses them
// before they run, with the form that goes through the gate. It is a help to whoever is willing, and no boundary: a script, a manifest or a shell
// line can say the same, and only a box without a network stops that.
import { isPlainName, isPlainVersion } from "../packages/commands.ts"
import { plainText } from "../policy/text.ts"
import { type Family, findInvocation, type Invocation } from "./around-commands.ts"
import { type FoundSource, sourceOf } from "./around-specs.ts"

/** A command that does not ask the gate. Texts are ours around what was typed, in printable ASCII. */
export interface WayRound {
  what: string
  hint: string
  /** The package, where what was typed states its name. */
  name?: string
  /** The command that asks the registry for it. */
  command?: string
}

/** Longest part of what was typed that is shown. */
const SHOWN = 160

const WORDS: Readonly<Record<FoundSource["kind"] | "registry", string>> = {
  git: "a repository is no registry",
  url: "an address is no registry",
  file: "an archive of one's own is no registry",
  registry: "that is another registry than the gate",
}

/**
 * What in a command's words leads round the gate at `base`, the first of it; undefined where nothing is seen. Folders of the project itself are
 * no such thing: what they depend on comes through the gate.
 */
export function findWayRound(command: readonly string[], base?: string): WayRound | undefined {
  const variable = findVariable(command, base)
  if (variable !== undefined) return registryWay(variable)
  if (isPlainVendor(command)) {
    const instead = "cargo vendor --respect-source-config"
    return {
      what: "cargo vendor passes by the gate",
      hint: `let it keep to the settings: ${instead}`,
      command: instead,
    }
  }
  const invocation = findInvocation(command)
  if (invocation === undefined) return undefined
  const registry = invocation.registries.find((value) => !isGate(value, base))
  if (registry !== undefined) return registryWay(registry)
  for (const spec of invocation.specs) {
    const source = sourceOf(invocation.family, spec, invocation.repository)
    if (source !== undefined) return wayOf(invocation, spec, source)
  }
  return undefined
}

function wayOf(
  { family, prefix, repository }: Invocation,
  spec: string,
  { kind, name, version }: FoundSource,
): WayRound {
  const what = `${WORDS[kind]}: ${shown(repository ?? spec)}`
  const plain = name !== undefined && isPlainName(ECOSYSTEMS[family], name)
  if (!plain) {
    const form = prefix.concat(JOIN[family]("<name>", "<version>")).join(" ")
    return { what, hint: `ask the gate for it by its name in the registry: ${form}` }
  }
  const exact = version !== undefined && isPlainVersion(ECOSYSTEMS[family], version)
  const command = prefix.concat(exact ? JOIN[family](name, version) : name).join(" ")
  return { what, hint: `ask the gate for it instead: ${command}`, name, command }
}

const ECOSYSTEMS: Readonly<Record<Family, string>> = { js: "npm", python: "pypi", cargo: "cargo" }
const JOIN: Readonly<Record<Family, (name: string, version: string) => string>> = {
  js: (name, version) => `${name}@${version}`,
  python: (name, version) => `${name}==${version}`,
  cargo: (name, version) => `${name}@${version}`,
}

function registryWay(value: string): WayRound {
  return {
    what: `${WORDS.registry}: ${shown(value)}`,
    hint: "leave it out: the gate knows which registry a package comes from (packages.registries in the policy)",
  }
}

/** What `clientSettings` sets, set to something else in front of the command: `env GOPROXY=direct go install ...`. */
const VARIABLES =
  /^(?:GOPROXY|GONOPROXY|GOPRIVATE|GOENV|p?npm_config_(?:registry|userconfig)|YARN_NPM_REGISTRY_SERVER|BUN_CONFIG_REGISTRY|PIP_(?:EXTRA_)?INDEX_URL|PIP_CONFIG_FILE|PIP_FIND_LINKS|UV_(?:DEFAULT_|EXTRA_)?INDEX(?:_URL)?|UV_FIND_LINKS|PDM_PYPI_URL|CARGO_HOME)=(.*)$/is

function findVariable([program = "", ...rest]: readonly string[], base: string | undefined): string | undefined {
  if (!/(?:^|\/)env$/.test(program)) return undefined
  for (const word of rest) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*=/.test(word) && !word.startsWith("-")) return undefined
    const value = VARIABLES.exec(word)?.[1]
    if (value !== undefined && !isGate(value, base)) return word
  }
  return undefined
}

/** It ignores source replacement unless it is told not to. */
function isPlainVendor(command: readonly string[]): boolean {
  const [program = "", ...args] = command.slice(0, 1000)
  return (
    /(?:^|[/\\])cargo(?:\.exe)?$/.test(program) &&
    args.find((arg) => !/^[-+]/.test(arg)) === "vendor" &&
    !args.includes("--respect-source-config")
  )
}

function isGate(value: string, base: string | undefined): boolean {
  return base !== undefined && URL.parse(value)?.origin === new URL(base).origin
}

/** Without credentials, which an address may hold. */
function shown(text: string): string {
  return plainText(text.replace(/\/\/[^/@\s]*@/g, "//"), SHOWN)
}
