#!/usr/bin/env node
// Plain JavaScript that any Node can parse: an old one must get a sentence, not a syntax error.
import module from "node:module"
import { isAbsolute, join, relative } from "node:path"

const [major, minor] = process.versions.node.split(".").map(Number)
const supported = (major === 22 && minor >= 22) || (major === 24 && minor >= 15) || major >= 26
if (!supported) {
  process.stderr.write(
    `nanoguard needs Node 22.22+, 24.15+ or 26+, and this is ${process.versions.node}. ` +
      "In a clone of nanoguard, `npx nanoguard` brings its own.\n",
  )
  process.exit(5)
}
// In the user's own cache: Node's default is a name below the temporary directory that another user could take first. Not in
// the working directory, where a job's XDG_CACHE_HOME or an empty HOME may lead: what lies there would run as nanoguard.
const { HOME, USERPROFILE, XDG_CACHE_HOME } = process.env
const home = HOME || USERPROFILE || ""
const cache = XDG_CACHE_HOME && isAbsolute(XDG_CACHE_HOME) ? XDG_CACHE_HOME : join(home, ".cache")
const isOutside = (path) => isAbsolute(path) && /^\.\.([\\/]|$)|^[a-z]:/i.test(relative(process.cwd(), path))
if (isOutside(cache) || (isAbsolute(cache) && isAbsolute(home) && !isOutside(home)))
  module.enableCompileCache?.(join(cache, "nanoguard", "compile"))
const { main } = await import("../dist/cli.js")
process.exitCode = await main()
