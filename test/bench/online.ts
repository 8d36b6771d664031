// A real tree of about 500 packages, locked now by npm from a list of names.
import { execFileSync } from "node:child_process"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"

/** A tree of about 500 packages. */
export const TREE = {
  express: "^4.21.0",
  webpack: "^5.90.0",
  jest: "^29.7.0",
  eslint: "^8.57.0",
  vue: "^3.4.0",
  axios: "^1.7.0",
  fastify: "^4.26.0",
}

/** Writes the project into `directory` and locks it; `packages` counts the distinct ones. */
export function onlineTree(directory: string): { directory: string; packages: number } {
  mkdirSync(directory, { recursive: true })
  const manifest = { name: "bench", version: "1.0.0", private: true, dependencies: TREE }
  writeFileSync(join(directory, "package.json"), JSON.stringify(manifest))
  execFileSync("npm", ["install", "--package-lock-only", "--no-audit", "--no-fund"], { cwd: directory, stdio: "pipe" })
  const lock = JSON.parse(readFileSync(join(directory, "package-lock.json"), "utf8")) as { packages: object }
  return { directory, packages: Object.keys(lock.packages).length - 1 }
}
