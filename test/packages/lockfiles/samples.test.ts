import { describe, expect, it } from "vitest"
import { pathsTo } from "../../../src/packages/graph.ts"
import { BESIDE, parse, SAMPLES, sha512 } from "./samples.ts"

describe.each(Object.entries(SAMPLES))("%s", (format, [file, text]) => {
  it("has every package with name, version, source and flags", async () => {
    const lockfile = await parse(file, text, BESIDE)
    const rows = lockfile.dependencies.map((item) =>
      [
        item.purl.slice(8),
        item.alias === undefined ? "" : `as ${item.alias}`,
        item.source.kind,
        item.dev ? "dev" : "",
        item.optional ? "optional" : "",
        item.direct ? "direct" : "",
      ].filter(Boolean),
    )
    const git = format === "npm 1" || format === "bun" ? "g" : "g@0.1.0" // neither writes a version for git
    expect(rows.map((row) => row.join(" ")).sort()).toEqual(
      [
        "%40s/a@1.0.0 registry direct",
        "b@1.5.0 registry",
        "b@2.0.0 registry dev",
        "d@3.0.1 registry dev direct",
        `${git} git direct`,
        "o@4.0.0 registry optional direct",
        "real@2.0.0 as alias registry direct",
      ].sort(),
    )
    expect(lockfile.warnings).toEqual([])
    expect(new Set(lockfile.dependencies.map((item) => item.key)).size).toBe(7)
  })

  it("has the registry's hashes, or none", async () => {
    const lockfile = await parse(file, text, BESIDE)
    const hashes = Object.fromEntries(
      lockfile.dependencies.map((item) => [`${item.name}@${item.version}`, item.integrity]),
    )
    if (format === "berry") {
      expect(Object.values(hashes).flat()).toEqual([])
      expect(lockfile.dependencies.every((item) => item.ownHash)).toBe(true)
    } else {
      expect(hashes["b@2.0.0"]).toEqual([sha512("b2")])
      expect(hashes["@s/a@1.0.0"]).toEqual([sha512("a")])
    }
  })

  it("knows the way from the project to each package, with names, and its line", async () => {
    const lockfile = await parse(file, text, BESIDE)
    const nameOf = (key: string) =>
      lockfile.dependencies.find((item) => item.key === key)?.purl.slice(8) ??
      lockfile.roots.find((root) => root.key === key)?.name
    const b2 = lockfile.dependencies.find((item) => item.version === "2.0.0" && item.name === "b")!
    const { paths, more } = pathsTo(lockfile, b2.key, 3)
    const root = format.startsWith("pnpm") ? "." : "app"
    expect(paths.map((path) => path.map(nameOf))).toEqual([[root, "d@3.0.1", "b@2.0.0"]])
    expect(more).toBe(0)
    const lines = text.split("\n")
    const line = (key: string) => lines[lockfile.lineOf(key) - 1]!
    expect(line(b2.key)).toMatch(/b/)
    expect(lockfile.lineOf(b2.key)).toBe(lineOfB2(format, lines))
    expect(line(lockfile.dependencies.find((item) => item.name === "@s/a")!.key)).toContain("@s/a")
  })
})

/** The line of the second b, counted in another way: the one that its own hash or version follows closest. */
function lineOfB2(format: string, lines: string[]): number {
  const starts: Record<string, RegExp> = {
    "npm 3": /^ {4}"node_modules\/d\/node_modules\/b"/,
    "npm 2": /^ {4}"node_modules\/d\/node_modules\/b"/,
    "npm 1": /^ {8}"b": \{/,
    "pnpm 5.4": /^ {2}\/b\/2/,
    "pnpm 6.0": /^ {2}\/b@2/,
    "pnpm 9.0": /^ {2}b@2/,
    "yarn 1": /^b@\^2/,
    berry: /^"b@npm:\^2/,
    bun: /^ {4}"d\/b"/,
  }
  return lines.findIndex((content) => starts[format]!.test(content)) + 1
}
