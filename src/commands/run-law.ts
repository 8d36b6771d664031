// What a person should know before a run whose policy is not what the file beside it says.
import { readFileSync, realpathSync } from "node:fs"
import { join } from "node:path"
import type { PolicyInForce } from "../gateway/control.ts"
import type { Note } from "../sandbox/workspace/types.ts"

const FILE = "nanoguard.yaml"

/** One sentence where the workspace's own policy is not the one in force: never adopted in this form, or the gate is another project's. */
export function lawNotes({ project, texts }: Pick<PolicyInForce, "project" | "texts">, root: string): Note[] {
  const here = read(root)
  if (here === undefined) return []
  if (project.startsWith("/") && realpathSync(root) !== project)
    return [warn(`this run goes by another project's policy, and not by the ${FILE} that is here`)]
  const adopted = texts.find(({ file }) => file === FILE)
  if (adopted === undefined || adopted.text === here) return []
  return [warn(`${FILE} is not what was adopted, and what differs does not count: nanoguard policy adopt`)]
}

const warn = (text: string): Note => ({ level: "warning", kind: "protected", text })

function read(root: string): string | undefined {
  try {
    return readFileSync(join(root, FILE), "utf8")
  } catch {
    return undefined
  }
}
