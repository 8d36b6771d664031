// Which project's policy counts: one answer for whoever adopts a policy and whoever starts a gate.
import { realpathSync, statSync } from "node:fs"
import { isAbsolute, resolve } from "node:path"
import { EXIT, NanoguardError } from "../errors.ts"
import { findPolicyDirectory } from "../vet/policy.ts"

export interface Project {
  /** The real path of the policy's directory, whatever links lead there; or a name, as it was given. */
  name: string
  /** Where its files are looked for. */
  directory: string
}

/**
 * The project of a directory: that of the nearest nanoguard.yaml, from there upwards. `named` is another directory (`.` and what begins
 * with `./`, `../` or `/`), or a plain name for the policy that is found from `cwd`. Errors: configuration where there is no policy and
 * no name; usage where the directory that is named is none.
 */
export function findProject(cwd: string, named?: string): Project {
  const isDirectory = named !== undefined && (isAbsolute(named) || /^\.{1,2}($|[\\/])/.test(named))
  const start = isDirectory ? resolve(cwd, named) : cwd
  // A slip of the keyboard must not end in the policy of a directory above.
  if (isDirectory && statSync(start, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw new NanoguardError("--project is no directory", {
      exit: EXIT.usage,
      where: { file: named },
      hint: "name one that is there, or a project by a name without slashes",
    })
  const directory = findPolicyDirectory(start)
  if (named !== undefined && !isDirectory) return { name: named, directory: directory ?? cwd }
  if (directory !== undefined) return { name: realpathSync(directory), directory }
  throw new NanoguardError("there is no nanoguard.yaml here or above", {
    exit: EXIT.configuration,
    hint: "write one with `nanoguard init`, or name the project that has one with --project",
  })
}
