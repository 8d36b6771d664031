// The image for agents: packages come through the gate in a box, then the engine copies them into an image, without a network.
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Context } from "../../context.ts"
import { EXIT, NanoguardError } from "../../errors.ts"
import { cleanText } from "../../render/clean.ts"
import { CONTAINERFILE, type Containerfile, isPinned, replaceBase } from "./containerfile.ts"
import { type ImageEngine, mustRun } from "./engine.ts"
import { type Installed, installInBox } from "./install.ts"
import { pinBase } from "./pin.ts"

export interface BuiltImage {
  engine: ImageEngine
  /** `sha256:` and 64 hex digits: what `sandbox.image` takes. */
  id: string
  tag: string
  installed: readonly Installed[]
  /** Bases that were named and not pinned, with what they are now. */
  pinned: readonly { base: string; is: string }[]
}

export interface BuildOptions {
  engine: ImageEngine
  /** Refuses a base that is not pinned, as the strict preset wants it. */
  strict: boolean
  /** Told of each step, for a person. */
  onStep: (text: string) => void
}

/**
 * Builds the image of a Containerfile. A gate must run here. Errors: configuration (a base that is not pinned, where that is wanted),
 * findings (a package was refused), environment (the engine).
 */
export async function buildImage(ctx: Context, file: Containerfile, options: BuildOptions): Promise<BuiltImage> {
  const { engine, onStep } = options
  if (options.strict) refuseUnpinned(file)
  const directory = mkdtempSync(join(tmpdir(), "nanoguard-image-"))
  try {
    const pinned: { base: string; is: string }[] = []
    let built = file
    for (const base of new Set(file.bases)) {
      onStep(`base ${base}`)
      const is = await pinBase(ctx, engine, base)
      if (is !== base) pinned.push({ base, is })
      built = { ...built, text: replaceBase(built, base, is) }
    }
    const last = file.bases.at(-1)!
    const base = pinned.find((one) => one.base === last)?.is ?? last
    if (file.install.length > 0) onStep(`npm, through the gate: ${file.install.join(" ")}`)
    const workspace = join(directory, "workspace")
    mkdirSync(workspace)
    // The box's user has to come through to it.
    chmodSync(directory, 0o711)
    const installed = await installInBox(ctx, { engine, base, directory: workspace, packages: file.install })
    onStep("the image, without a network")
    const { id, tag } = await assemble(ctx, engine, { directory, workspace, text: built.text })
    onStep("a look at it: node, git")
    await tryImage(ctx, engine, id)
    return { engine, id, tag, installed, pinned }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** Nothing goes to the engine but what was installed and the file. */
async function assemble(
  ctx: Context,
  engine: ImageEngine,
  { directory, workspace, text }: { directory: string; workspace: string; text: string },
): Promise<{ id: string; tag: string }> {
  const [context, iid] = [join(directory, "context"), join(directory, "id")]
  mkdirSync(context)
  cpSync(join(workspace, "agent"), join(context, "agent"), { recursive: true, verbatimSymlinks: true })
  const file = join(directory, "Containerfile")
  writeFileSync(file, text)
  const pull = engine === "podman" ? ["--pull=never"] : []
  const args = [
    "build",
    "--quiet",
    "--network",
    "none",
    ...pull,
    "--force-rm",
    "--file",
    file,
    "--iidfile",
    iid,
    context,
  ]
  await mustRun(ctx, engine, args, "build the image")
  const id = /^(?:sha256:)?([0-9a-f]{64})\s*$/.exec(readFileSync(iid, "utf8"))?.[1]
  if (id === undefined) throw failed(`${engine} gave the image no id`)
  // Without a name, the next `image prune` takes it away.
  const tag = `nanoguard-agent:${id.slice(0, 12)}`
  await mustRun(ctx, engine, ["tag", `sha256:${id}`, tag], "name the image")
  return { id: `sha256:${id}`, tag }
}

/** What every box needs of its image. Run like a box is: without a network, rights or anything of the host. */
async function tryImage(ctx: Context, engine: ImageEngine, id: string): Promise<void> {
  const hard = [
    "--network",
    "none",
    "--cap-drop",
    "ALL",
    "--security-opt",
    "no-new-privileges",
    "--read-only",
    "--user",
    "1000:1000",
  ]
  // podman asks for its own defaults else, which may be more than its person may have.
  if (engine === "podman") hard.push("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024")
  const script = "node --version && git --version"
  try {
    await mustRun(ctx, engine, ["run", "--rm", ...hard, "--entrypoint", "/bin/sh", id, "-c", script], "run it")
  } catch (cause) {
    const why = cause instanceof NanoguardError ? cause.message : "it does not run"
    throw failed(`the image lacks what a box needs, node and git: ${cleanText(why, 300)}`)
  }
}

function refuseUnpinned(file: Containerfile): void {
  const loose = file.bases.find((base) => !isPinned(base))
  if (loose === undefined) return
  throw new NanoguardError(`the base ${loose} is not pinned: tomorrow it may be another image`, {
    exit: EXIT.configuration,
    hint: `fetch it, look at it, and write its digest: ${loose}@sha256:...`,
    where: { file: CONTAINERFILE },
  })
}

const failed = (message: string) =>
  new NanoguardError(message, { exit: EXIT.environment, hint: `begin with another base in ${CONTAINERFILE}` })
