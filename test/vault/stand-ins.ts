// Stand-ins for programs of the system, on a PATH of their own: they keep what they are given, and write down how they were called.
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { temporaryDirectory } from "../context.ts"

/** A keychain as `secret-tool` and `security` show it: one file an account. */
const KEYCHAIN = `
const { writeFileSync, readFileSync, rmSync, existsSync } = require("node:fs")
const { join } = require("node:path")
const dir = process.env.STAND_IN
const at = (account) => join(dir, "kept-" + account)
const show = (account, end) => {
  if (!existsSync(at(account))) process.exit(1)
  process.stdout.write(readFileSync(at(account), "utf8") + end)
}
`

const PROGRAMS: Readonly<Record<string, string>> = {
  "secret-tool": `${KEYCHAIN}
const [, , verb, ...args] = process.argv
const account = args[args.indexOf("account") + 1]
if (verb === "store") writeFileSync(at(account), readFileSync(0, "utf8"))
else if (verb === "lookup") show(account, "")
else rmSync(at(account), { force: true })`,
  security: `${KEYCHAIN}
const run = (words) => {
  const account = words[words.indexOf("-a") + 1]
  if (words[0] === "add-generic-password") writeFileSync(at(account), words[words.indexOf("-w") + 1])
  else if (words[0] === "find-generic-password") show(account, "\\n")
  else rmSync(at(account), { force: true })
}
const args = process.argv.slice(2)
if (args[0] === "-i") for (const line of readFileSync(0, "utf8").trim().split("\\n")) run(line.split(" "))
else run(args)`,
}

/** A directory for PATH in which each named program is a stand-in, or the given script of Node. */
export function standIns(programs: Readonly<Record<string, string | true>>): {
  path: string
  env: Record<string, string>
  /** Each call: its arguments and environment, as JSON. */
  calls: () => string
} {
  const directory = temporaryDirectory()
  const path = join(directory, "bin")
  mkdirSync(path)
  const log = join(directory, "calls")
  const note = `require("node:fs").appendFileSync(${JSON.stringify(log)}, JSON.stringify([process.argv.slice(2), process.env]) + "\\n")\n`
  for (const [name, script] of Object.entries(programs)) {
    const text = script === true ? PROGRAMS[name]! : script
    writeFileSync(join(path, name), `#!${process.execPath}\n${note}${text}\n`)
    chmodSync(join(path, name), 0o755)
  }
  const calls = () => (existsSync(log) ? readFileSync(log, "utf8") : "")
  return { path, env: { PATH: path, STAND_IN: directory }, calls }
}
