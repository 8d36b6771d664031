// Runs the TypeScript build on a Node that can: the one that the devDependency `node` brings into node_modules/.bin.
import { spawnSync } from "node:child_process"

const { status } = spawnSync("node", ["scripts/build.ts"], { stdio: "inherit", shell: process.platform === "win32" })
process.exitCode = status ?? 1
