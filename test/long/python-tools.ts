// Real package managers for the tests that lock real trees: Python's own in virtual environments of their own under the
// temporary directory (kept there from run to run), Cargo and Go as the machine has them.
import { execFile } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir, userInfo } from "node:os"
import { dirname, join } from "node:path"
import { promisify } from "node:util"
import { onTestFinished } from "vitest"

const execute = promisify(execFile)

/** What is installed for each tool; later versions of some of these libraries broke PDM. */
const PYTHON_TOOLS = {
  uv: ["uv==0.13.8"],
  poetry: ["poetry==2.5.1"],
  pdm: ["pdm==2.22.4", "hishel<0.1", "httpx<0.28", "unearth<0.18"],
  pipenv: ["pipenv==2026.10.3"],
  pip: ["pip==26.2.1", "pip-tools==7.6.2"],
  // Clients of the proxy.
  requests: ["requests==2.34.2", "websockets==17.4"],
} as const

export type PythonTool = keyof typeof PYTHON_TOOLS

/** Runs a program and resolves with its standard output; rejects with what it printed where it fails. */
export async function run(
  file: string,
  args: readonly string[],
  cwd: string,
  env: Record<string, string> = {},
): Promise<string> {
  try {
    const result = await execute(file, args, {
      cwd,
      env: { ...process.env, ...env },
      maxBuffer: 256 * 1024 * 1024,
      timeout: 500_000,
    })
    return result.stdout
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string }
    throw new Error(`${file} ${args.join(" ")} failed:\n${`${stdout}\n${stderr}`.slice(-4000)}`, { cause: error })
  }
}

/** The directory of a tool's programs, or why there is none (for `ctx.skip`). */
export async function findPythonTool(tool: PythonTool): Promise<{ bin: string } | { missing: string }> {
  const wanted = PYTHON_TOOLS[tool]
  const home = join(tmpdir(), `nanoguard-tools-${userInfo().username}`)
  const environment = join(home, `${wanted[0].replace("==", "-")}`)
  const bin = join(environment, process.platform === "win32" ? "Scripts" : "bin")
  if (existsSync(join(environment, "ready"))) return { bin }
  try {
    // Boxes of other users see it, too.
    mkdirSync(home, { recursive: true, mode: 0o755 })
    rmSync(environment, { recursive: true, force: true })
    await run("python3", ["-m", "venv", environment], home)
    await run(join(bin, "python"), ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...wanted], home)
    writeFileSync(join(environment, "ready"), "")
    return { bin }
  } catch (error) {
    const why =
      String((error as Error).message)
        .split("\n")
        .at(-2) ?? ""
    return {
      missing: `${tool} is missing: python3 with venv and a package index are needed to install ${wanted.join(" ")} (${why})`,
    }
  }
}

/** Whether a program of the machine can be run. */
export async function canRun(file: string, args: readonly string[]): Promise<boolean> {
  return execute(file, args).then(
    () => true,
    () => false,
  )
}

/** A fresh directory with these files in it, removed when the test ends. */
export function makeProject(files: Record<string, string>): string {
  const directory = mkdtempSync(join(tmpdir(), "nanoguard-tree-"))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true })
    writeFileSync(join(directory, path), text)
  }
  return directory
}
