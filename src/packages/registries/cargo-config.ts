// Where cargo's index lies, by cargo's own configuration (doc.rust-lang.org/cargo: source replacement). The repository's
// .cargo/config.toml is left out on purpose.
import { readdirSync } from "node:fs"
import { join } from "node:path"
import type { Context } from "../../context.ts"
import { homeDirectory } from "../../home.ts"
import { isRepositorys, parseBase, readUserFile } from "./config-files.ts"
import { isRecord } from "./values.ts"

/**
 * The sparse index that stands for the default registry. `site` is that registry's own address: where no configuration
 * says otherwise its index lies on a host below it, which cargo's own state names and which else goes by "index".
 */
export async function readCargoIndex(
  edge: Pick<Context, "cwd" | "env">,
  site: string | undefined,
): Promise<string | undefined> {
  const cargoHome = edge.env.CARGO_HOME || join(homeDirectory(edge.env), ".cargo")
  const text = readUserFile(edge, join(cargoHome, "config.toml")) ?? readUserFile(edge, join(cargoHome, "config"))
  const replaced = text === undefined ? undefined : await replacementOf(text)
  // A replacement that is no sparse index (a directory, git) cannot be asked: nothing else may answer in its place.
  if (replaced !== undefined) return replaced.startsWith("sparse+") ? parseBase(replaced.slice(7))?.baseUrl : undefined
  if (site === undefined) return undefined
  const { host } = new URL(site)
  const seen = isRepositorys(edge, cargoHome) ? [] : listNames(join(cargoHome, "registry", "index"))
  const known = seen.map((name) => name.replace(/-[0-9a-f]{16}$/, "")).find((name) => name.endsWith(`.${host}`))
  return `https://${known ?? `index.${host}`}`
}

/** The address that replaces the default source; "" for one that is no registry; undefined where none does. */
async function replacementOf(text: string): Promise<string | undefined> {
  const { parse } = await import("smol-toml")
  let config: Record<string, unknown>
  try {
    config = parse(text)
  } catch {
    return undefined
  }
  const table = (group: string, name: unknown) => {
    const entries = config[group]
    const entry =
      isRecord(entries) && typeof name === "string" && Object.hasOwn(entries, name) ? entries[name] : undefined
    return isRecord(entry) ? entry : undefined
  }
  let name: unknown = "crates-io"
  for (let hops = 0; hops < 8; hops++) {
    const next = table("source", name)?.["replace-with"]
    if (next === undefined) break
    name = next
  }
  if (name === "crates-io") return undefined
  const address = table("source", name)?.registry ?? table("registries", name)?.index
  return typeof address === "string" ? address : ""
}

function listNames(directory: string): string[] {
  try {
    return readdirSync(directory).filter((name) => /^[a-z0-9.-]{1,200}$/.test(name))
  } catch {
    return []
  }
}
