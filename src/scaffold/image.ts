// The Containerfile for the image that agents run in.
import type { Context } from "../context.ts"
import type { Wanted } from "./plan.ts"
import { readTemplate } from "./templates.ts"
import type { Agent, Engine } from "./types.ts"

/** Agents that come from npm, by package. */
export const AGENT_PACKAGES: Readonly<Partial<Record<Agent, string>>> = {
  claude: "@anthropic-ai/claude-code",
  codex: "@openai/codex",
  gemini: "@google/gemini-cli",
}

/**
 * The file, with its base pinned where an engine of this machine has that image: nothing is fetched, and no digest is made up. A note
 * says what is left to do where it is not.
 */
export async function planImage(
  ctx: Context,
  base: string,
  agents: readonly Agent[],
  engines: readonly Engine[],
): Promise<{ wanted: Wanted; notes: string[] }> {
  const { CONTAINERFILE, isPinned } = await import("../sandbox/image/containerfile.ts")
  const pinned = isPinned(base) ? base : await pinByEngine(ctx, base, engines)
  const install = agents.flatMap((agent) => AGENT_PACKAGES[agent] ?? []).join(" ")
  const pin =
    pinned === undefined
      ? "# Not pinned: no engine here has this image. Fetch it, look at it, and write its digest behind it: name@sha256:..."
      : `# ${base === pinned ? "Pinned" : `${base}, pinned`}: it is the same image for ever.`
  const whole = readTemplate("box/Containerfile", { base: pinned ?? base, pin, install })
  return {
    wanted: { path: CONTAINERFILE, reason: "the image that agents run in, for `nanoguard init --build-image`", whole },
    notes: pinned === undefined ? [`${base} is not pinned in ${CONTAINERFILE}: no engine here has that image.`] : [],
  }
}

async function pinByEngine(ctx: Context, base: string, engines: readonly Engine[]): Promise<string | undefined> {
  for (const engine of engines) {
    if (engine !== "docker" && engine !== "podman") continue
    const { pinLocal } = await import("../sandbox/image/pin.ts")
    // An engine that does not answer knows nothing; the file can be written all the same.
    const pinned = await pinLocal(ctx, engine, base).catch(() => undefined)
    if (pinned !== undefined) return pinned
  }
  return undefined
}
