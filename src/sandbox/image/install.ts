// What an image is to have from npm, fetched through the gate: by a box of the image's own base, into a directory of the host.
import { existsSync, mkdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { Writable } from "node:stream"
import type { Context } from "../../context.ts"
import { EXIT, NanoguardError } from "../../errors.ts"
import { operatorOf } from "../../gateway/operator.ts"
import { cleanText } from "../../render/clean.ts"
import { giveToOwner } from "../give.ts"
import { runBox } from "../run.ts"
import { IN_BOX } from "../types.ts"
import type { ImageEngine } from "./engine.ts"

/** Name of the agent in the record: what an image is made of is decided for it. */
const AGENT = "image"

/** Characters of the box's output that are kept for an error. */
const KEPT = 4000

export interface Installed {
  name: string
  version: string
}

/**
 * Installs packages into `directory`/agent, by npm in a box with the base's own Node, with no way out but the gate that runs here. Errors:
 * findings (the gate refused one, or npm failed), and as `runBox`.
 */
export async function installInBox(
  ctx: Context,
  {
    engine,
    base,
    directory,
    packages,
  }: { engine: ImageEngine; base: string; directory: string; packages: readonly string[] },
): Promise<Installed[]> {
  mkdirSync(join(directory, "agent"), { recursive: true })
  if (packages.length === 0) return []
  await giveToOwner(ctx, directory)
  let said = ""
  const keep = new Writable({
    write: (chunk, _, done) => {
      said = (said + String(chunk)).slice(-KEPT)
      done()
    },
  })
  const prefix = `${IN_BOX.workspace}/agent`
  const command = ["npm", "install", "--global", `--prefix=${prefix}`, "--no-audit", "--no-fund", "--", ...packages]
  const quiet = { onStart: () => {}, onEvent: () => {}, onPause: () => {}, onNote: () => {} }
  const outcome = await runBox(
    { ...ctx, cwd: directory, stdout: keep, stderr: keep },
    {
      ...{ agent: AGENT, operator: operatorOf(ctx), command, root: directory, engine, image: base },
      ...{ workspace: "direct", timeout: "30m", tty: false },
    },
    quiet,
  )
  await outcome.close()
  if (outcome.exit !== 0) throw notInstalled(outcome.exit, said)
  return packages.map((spec) => readInstalled(directory, spec.replace(/(?!^)@[^@/]*$/, "")))
}

function notInstalled(exit: number, said: string): NanoguardError {
  const lines = said
    .trim()
    .split("\n")
    .filter((line) => line.trim() !== "")
  const reason = lines
    .slice(-6)
    .map((line) => cleanText(line, 200))
    .join("; ")
  return new NanoguardError(`npm ended with ${exit} in the box: ${reason}`, {
    exit: EXIT.findings,
    hint: "the gate's reason: nanoguard why last; or name another version in the Containerfile's nanoguard.install",
  })
}

/** The version as the package says: written in the box, so that it is only ever shown. */
function readInstalled(directory: string, name: string): Installed {
  const file = join(directory, "agent", "lib", "node_modules", name, "package.json")
  try {
    const { version } = JSON.parse(existsSync(file) ? readFileSync(file, "utf8") : "{}") as { version?: unknown }
    return { name, version: typeof version === "string" ? cleanText(version, 60) : "unknown" }
  } catch {
    return { name, version: "unknown" }
  }
}
