// pnpm's command for overrides: it sets the whole table of pnpm-workspace.yaml at once, so what it must not lose is named again.
import { NanoguardError } from "../errors.ts"
import { parseYaml } from "../packages/lockfiles/yaml.ts"
import { isRecord } from "../packages/registries/values.ts"
import type { Verdict } from "../policy/types.ts"

export type Overrides = Readonly<Record<string, string>>

const BEFORE = "pnpm config set --location=project --json overrides '"
const AFTER = "' && pnpm install"
/** pnpm's selectors (`x`, `a>x`, `x@1`) and what they may be set to: nothing that a quoted word of a shell could not hold. */
const SELECTOR = /^[@a-z0-9][\w@./>^~*|-]{0,213}$/i
const VALUE = /^[\w^~*.:@/$<>=|+ -]{1,214}$/
const MAX_OVERRIDES = 50

/** The command that sets these overrides, those left out that no command may carry (pnpm 10 and later). */
export function pnpmOverride(overrides: Overrides): string {
  const fit = Object.entries(overrides).filter(([name, to]) => SELECTOR.test(name) && VALUE.test(to))
  return `${BEFORE}${JSON.stringify(Object.fromEntries(fit.slice(-MAX_OVERRIDES)))}${AFTER}`
}

/** What corrections of a run have said so far, the later ones above the earlier: for `RefusedPackage.overrides`. */
export function overridesSoFar(verdicts: Iterable<Verdict>): Overrides {
  const overrides: Record<string, string> = {}
  for (const { correction } of verdicts) {
    const command = correction?.command
    if (!command?.startsWith(BEFORE) || !command.endsWith(AFTER)) continue
    Object.assign(overrides, JSON.parse(command.slice(BEFORE.length, -AFTER.length)))
  }
  return overrides
}

/** The overrides that a pnpm-workspace.yaml has; none where it is not to be read. */
export function overridesOf(workspace: string): Overrides {
  let documents: unknown[]
  try {
    documents = parseYaml(workspace, "pnpm-workspace.yaml")
  } catch (error) {
    if (error instanceof NanoguardError) return {}
    throw error
  }
  const [document] = documents
  const overrides = isRecord(document) && isRecord(document.overrides) ? Object.entries(document.overrides) : []
  return Object.fromEntries(overrides.filter((entry): entry is [string, string] => typeof entry[1] === "string"))
}
