// A project whose packages lie in it as tarballs: npm ci asks no registry, so that the file system is what is measured.
import { execFileSync } from "node:child_process"
import { mkdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"

/** Files of each package, and characters of each. */
const FILES = 12
const LENGTH = 3000

/** Writes it: `packages` packages, a package.json and its lock. */
export function makeProject(directory: string, packages: number): void {
  const tarballs = join(directory, "tarballs")
  mkdirSync(tarballs, { recursive: true })
  const names = Array.from({ length: packages }, (_, n) => `bench-package-${n}`)
  const from = join(directory, "package")
  mkdirSync(join(from, "lib"), { recursive: true })
  for (let n = 0; n < FILES; n++)
    writeFileSync(join(from, "lib", `${n}.js`), `// ${n}\n${"x = 1\n".repeat(LENGTH / 6)}`)
  for (const name of names) {
    writeFileSync(join(from, "package.json"), JSON.stringify({ name, version: "1.0.0" }))
    execFileSync("tar", ["czf", join(tarballs, `${name}.tgz`), "-C", directory, "package"])
  }
  rmSync(from, { recursive: true })
  const dependencies = Object.fromEntries(names.map((name) => [name, `file:tarballs/${name}.tgz`]))
  const root = { name: "bench", version: "1.0.0", dependencies }
  const installed = names.map((name) => [`node_modules/${name}`, { version: "1.0.0", resolved: dependencies[name] }])
  writeFileSync(join(directory, "package.json"), JSON.stringify(root))
  const lock = { ...root, lockfileVersion: 3, requires: true, packages: { "": root, ...Object.fromEntries(installed) } }
  writeFileSync(join(directory, "package-lock.json"), JSON.stringify(lock))
}
