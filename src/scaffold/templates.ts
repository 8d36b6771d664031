// The files that init writes live in templates/, so that a reviewer reads them as they will be.
import { existsSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { EXIT, NanoguardError } from "../errors.ts"

/**
 * Reads `templates/<name>` and fills in `{{key}}`. Works from the sources, from dist/cli.js and from dist/chunks/: the
 * directory is the first one above this module that has templates/policy/solo.yaml. A placeholder without a value is a bug.
 */
export function readTemplate(name: string, values: Readonly<Record<string, string>> = {}): string {
  const text = readFileSync(join(templatesDirectory(), name), "utf8")
  return text.replace(/\{\{(\w+)\}\}/g, (_, key: string) => {
    const value = values[key]
    if (value === undefined) throw new Error(`templates/${name}: no value for {{${key}}}`)
    return value
  })
}

/** Where the templates of this installation are. Errors: environment (an installation without them). */
export function templatesDirectory(): string {
  let at = dirname(fileURLToPath(import.meta.url))
  for (let level = 0; level < 4; level++, at = dirname(at)) {
    const directory = join(at, "templates")
    if (existsSync(join(directory, "policy", "solo.yaml"))) return directory
  }
  throw new NanoguardError("the templates of nanoguard are missing from this installation", {
    exit: EXIT.environment,
    hint: "Install nanoguard again.",
  })
}
