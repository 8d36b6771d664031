// The token for a private cargo registry (doc.rust-lang.org/cargo: registry authentication), where it lies in a file or in the
// environment. Credential providers, which are programs, are not asked.
import { join } from "node:path"
import type { Context } from "../../context.ts"
import { homeDirectory } from "../../home.ts"
import { boundTo, parseBase, readUserFile } from "./config-files.ts"
import { isRecord } from "./values.ts"

/** The `authorization` value for URLs on the host of the sparse index at `index`: cargo sends a token as it is. */
export async function readCargoToken(
  edge: Pick<Context, "cwd" | "env">,
  index: string,
): Promise<(url: URL) => string | undefined> {
  const cargoHome = edge.env["CARGO_HOME"] || join(homeDirectory(edge.env), ".cargo")
  const read = async (name: string) =>
    registriesIn(readUserFile(edge, join(cargoHome, `${name}.toml`)) ?? readUserFile(edge, join(cargoHome, name)))
  const tokens = await read("credentials")
  for (const [name, { index: address }] of await read("config")) {
    if (typeof address !== "string" || parseBase(address.replace(/^sparse\+/, ""))?.baseUrl !== index) continue
    const variable = `CARGO_REGISTRIES_${name.toUpperCase().replaceAll("-", "_")}_TOKEN`
    const token = edge.env[variable] || tokens.get(name)?.["token"]
    if (typeof token === "string" && /^[\x21-\x7e][\x20-\x7e]{0,8191}$/.test(token))
      return boundTo(new URL(index).origin, token)
  }
  return () => undefined
}

async function registriesIn(text: string | undefined): Promise<Map<string, Record<string, unknown>>> {
  if (text === undefined) return new Map()
  const { parse } = await import("smol-toml")
  try {
    const { registries } = parse(text)
    if (!isRecord(registries)) return new Map()
    return new Map(Object.entries(registries).flatMap(([name, entry]) => (isRecord(entry) ? [[name, entry]] : [])))
  } catch {
    return new Map()
  }
}
