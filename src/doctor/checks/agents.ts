// The agents' own programs on this machine: what is started by its own name runs outside of every box.
import type { Check } from "../types.ts"
import { isOnPath } from "./keychain.ts"

const AGENTS = ["claude", "codex", "gemini"] as const

/** Which agents can be started here. Only looks at PATH. */
export const agentsCheck: Check = {
  id: "agents",
  title: "Agents",
  run: async ({ ctx }) => {
    const found = AGENTS.filter((name) => isOnPath(name, ctx.env["PATH"]))
    if (found.length === 0) return { state: "skip", facts: { found }, why: "none on PATH; an image brings its own" }
    return {
      state: "ok",
      facts: { found },
      why: `${found.join(", ")} on PATH: in a box by \`nanoguard run -- ${found[0]}\``,
    }
  },
}
