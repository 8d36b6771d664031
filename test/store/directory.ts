// State directories for tests, removed when the test ends, and scripts that run as processes of their own.
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { onTestFinished } from "vitest"

/** A fresh directory; what is asked for below it does not exist yet. */
export function makeDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "nanoguard-store-"))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** Absolute path of a source file, for the import of a script. */
export const source = (path: string) => JSON.stringify(resolve("src", path))

/** Runs a module's text in this Node and waits for it. */
export function runScript(text: string, env: Record<string, string> = {}) {
  return spawnSync(process.execPath, ["--input-type=module-typescript", "-e", text], {
    encoding: "utf8",
    env: { ...process.env, ...env },
  })
}

/** Starts a module's text; resolves once it has written a line, and kills it when the test ends. */
export async function startScript(text: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, ["--input-type=module-typescript", "-e", text], {
    stdio: ["pipe", "pipe", "inherit"],
  })
  onTestFinished(() => void child.kill("SIGKILL"))
  await new Promise((done) => child.stdout.once("data", done))
  return child
}

/** Kills it at once, as a crash does, and waits until it is gone. */
export async function killHard(child: ChildProcess): Promise<void> {
  const gone = new Promise((done) => child.once("exit", done))
  child.kill("SIGKILL")
  await gone
}
