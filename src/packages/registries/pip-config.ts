// Which Python index is in use, by uv's and pip's own configuration (docs.astral.sh/uv: package indexes; pip.pypa.io:
// configuration). Files of the repository (uv.toml, pyproject.toml) are left out on purpose.
import { join } from "node:path"
import type { Context } from "../../context.ts"
import { homeDirectory } from "../../home.ts"
import { boundTo, parseBase, parseIni, readUserFile } from "./config-files.ts"

export interface IndexConfig {
  /** With its /simple; undefined where the default counts. */
  index?: string
  authorize: (url: URL) => string | undefined
  ca: readonly string[]
}

/** The index of the environment, else of pip's user and global files. Credentials in its address go to that address only. */
export function readIndexConfig(edge: Pick<Context, "cwd" | "env">): IndexConfig {
  const { env } = edge
  const settings = pipSettings(edge)
  const address = env.UV_DEFAULT_INDEX || env.UV_INDEX_URL || env.PIP_INDEX_URL || settings.get("index-url")
  // uv admits a name in front: name=https://...
  const base = parseBase(address?.replace(/^[\w.-]+=(?=https?:)/, ""))
  const pem = readUserFile(edge, env.PIP_CERT || settings.get("cert"))
  return {
    ...(base !== undefined && { index: base.baseUrl }),
    authorize: base?.basic === undefined ? () => undefined : boundTo(base.baseUrl.replace(/\/simple$/, ""), base.basic),
    ca: pem?.includes("-----BEGIN CERTIFICATE-----") ? [pem] : [],
  }
}

/** [global] and then [install] of the files that pip reads, weakest first. */
function pipSettings(edge: Pick<Context, "cwd" | "env">): Map<string, string> {
  const { env } = edge
  const home = homeDirectory(edge.env)
  const files = [
    "/etc/xdg/pip/pip.conf",
    "/etc/pip.conf",
    join(home, ".pip", "pip.conf"),
    join(home, "Library", "Application Support", "pip", "pip.conf"),
    join(env.XDG_CONFIG_HOME || join(home, ".config"), "pip", "pip.conf"),
    ...(env.APPDATA ? [join(env.APPDATA, "pip", "pip.ini")] : []),
    ...(env.PIP_CONFIG_FILE ? [env.PIP_CONFIG_FILE] : []),
  ]
  const settings = new Map<string, string>()
  for (const file of files) {
    const sections = parseIni(readUserFile(edge, file) ?? "")
    for (const section of ["global", "install"])
      for (const [key, value] of sections.get(section) ?? [])
        settings.set(key.toLowerCase().replaceAll("_", "-"), value)
  }
  return settings
}
