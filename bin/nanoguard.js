#!/usr/bin/env node
// Plain JavaScript that any Node can parse: an old one must get a sentence, not a syntax error.
import module from "node:module"
import { homedir } from "node:os"
import { isAbsolute, join } from "node:path"

const [major, minor] = process.versions.node.split(".").map(Number)
const supported = (major === 22 && minor >= 22) || (major === 24 && minor >= 15) || major >= 26
if (!supported) {
  process.stderr.write(
    `nanoguard needs Node 22.22+, 24.15+ or 26+, and this is ${process.versions.node}. ` +
      "In a clone of nanoguard, `npx nanoguard` brings its own.\n",
  )
  process.exit(5)
}
// In the user's own cache: Node's default is a name below the temporary directory that another user could take first.
const { XDG_CACHE_HOME: cache } = process.env
module.enableCompileCache?.(
  join(cache && isAbsolute(cache) ? cache : join(homedir(), ".cache"), "nanoguard", "compile"),
)
const { main } = await import("../dist/cli.js")
process.exitCode = await main()
