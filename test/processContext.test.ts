// The real edge: running programs without a shell.
import { describe, expect, it } from "vitest"
import { processContext } from "../src/context.ts"
import { temporaryDirectory } from "./context.ts"

const { exec } = processContext()
const node = (script: string, options = {}) => exec(process.execPath, ["-e", script], options)

/** Prints for ever, whether or not anybody reads it. */
const CHATTERBOX = `
  process.stdout.on("error", () => {})
  setInterval(() => {}, 1000)
  const more = () => process.stdout.write("x".repeat(1e5), more)
  more()`

describe("exec", () => {
  it("resolves with output and exit code, whatever the code", async () => {
    expect(await node("console.log('out'); console.error('err'); process.exit(3)")).toEqual({
      exitCode: 3,
      stdout: "out\n",
      stderr: "err\n",
    })
  })

  it("passes words as they are, and no shell reads them", async () => {
    const words = ["$(touch pwned)", "; exit 1", "*", "", "a\nb", "'\""]
    const { stdout } = await exec(process.execPath, ["-p", "JSON.stringify(process.argv.slice(1))", ...words])
    expect(JSON.parse(stdout)).toEqual(words)
  })

  it("runs where and with what it is told, and with nothing else of the environment", async () => {
    const cwd = temporaryDirectory()
    const script = "process.stdout.write(JSON.stringify([process.cwd(), process.env.ONLY, Boolean(process.env.PATH)]))"
    const { stdout } = await node(script, { cwd, env: { ONLY: "this" } })
    expect(JSON.parse(stdout)).toEqual([cwd, "this", false])
  })

  it("gives input, or none to wait for", async () => {
    const echo = "process.stdin.pipe(process.stdout)"
    expect((await node(echo, { input: "text" })).stdout).toBe("text")
    expect((await node(echo)).stdout).toBe("")
  })

  it.each([
    ["cannot start", () => exec("nanoguard-no-such-program", [])],
    ["runs too long", () => node("setInterval(() => {}, 1000)", { timeout: 200 })],
    ["prints too much", () => node(CHATTERBOX, { maxBuffer: 1e6 })],
  ])("rejects where a program %s", async (_, run) => {
    await expect(run()).rejects.toBeDefined()
  })
})
