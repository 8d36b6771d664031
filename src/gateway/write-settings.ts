// The files of client settings: the same for every visit, so that what package managers keep beside them stays good.
import { createHash } from "node:crypto"
import { mkdirSync, renameSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import type { Context } from "../context.ts"
import { stateHome } from "../home.ts"
import type { ClientSettings } from "./settings.ts"

/** Where the settings for a gate lie, by its origin: below the state directory, for their owner alone. */
export function settingsDirectory(ctx: Pick<Context, "env">, origin: string): string {
  const name = createHash("sha256").update(origin).digest("hex").slice(0, 12)
  return join(stateHome(ctx), "gateway", "clients", name)
}

/** Writes settings' files, in `directory` and below, which is made with mode 0700 where it is not there. Each appears whole. */
export function writeSettings(directory: string, files: ClientSettings["files"]): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  for (const { path, text } of files) {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    const draft = `${path}.${process.pid}`
    writeFileSync(draft, text, { mode: 0o600 })
    renameSync(draft, path)
  }
}
