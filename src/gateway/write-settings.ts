// The files of client settings, which hold a token: for their owner alone.
import { mkdirSync, writeFileSync } from "node:fs"
import { dirname } from "node:path"
import type { ClientSettings } from "./settings.ts"

/** Writes settings' files, in `directory` and below, which is made with mode 0700 where it is not there. */
export function writeSettings(directory: string, files: ClientSettings["files"]): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  for (const { path, text } of files) {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    writeFileSync(path, text, { mode: 0o600 })
  }
}
