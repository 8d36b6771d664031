// What `npm pack` would publish, against what it should: no source, no test, no machine path, nothing huge.
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"

interface Packed {
  files: { path: string; size: number }[]
  unpackedSize: number
}

const packed = JSON.parse(
  execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], { encoding: "utf8" }),
) as Packed[] | Record<string, Packed>
const { files, unpackedSize } = Object.values(packed)[0]!
const wanted = [
  "bin/nanoguard.js",
  "dist/cli.js",
  "dist/advisories.idx",
  "LICENSE",
  "README.md",
  "THIRD-PARTY-NOTICES.md",
  "schema/nanoguard.schema.json",
  "data/advisories/README.md",
  "scripts/verify-export.py",
  "dist/committer.js",
  "dist/deriver.js",
  "dist/hasher.js",
  "templates/box/relay.mjs",
  "templates/box/shim.sh",
]
const problems = [
  ...wanted
    .filter((path) => !files.some((file) => file.path === path))
    .map((path) => `missing from the package: ${path}`),
  ...files
    .filter((file) => /^(src|test|scripts|\.ci|node_modules)\//.test(file.path) && !wanted.includes(file.path))
    .map((file) => `should not ship: ${file.path}`),
  ...files
    .filter(
      (file) =>
        /\.(m?js|json|md|ya?ml|toml|sh|py)$/.test(file.path) &&
        readFileSync(file.path, "utf8").includes(`${process.cwd()}/`),
    )
    .map((file) => `carries a path of this machine: ${file.path}`),
  ...(unpackedSize > 12 * 1024 * 1024 ? [`unpacked size ${unpackedSize} bytes is over 12 MiB`] : []),
]
process.stdout.write(`${files.length} files, ${Math.round(unpackedSize / 1024)} KiB unpacked\n`)
for (const problem of problems) process.stderr.write(`${problem}\n`)
process.exitCode = problems.length ? 1 : 0
