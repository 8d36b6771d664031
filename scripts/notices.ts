// THIRD-PARTY-NOTICES.md: the licences of what the bundle carries, from the bundle's own list of modules.
// Usage: node scripts/notices.ts [--check]
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"

const { modules } = JSON.parse(readFileSync("dist/modules.json", "utf8")) as { modules: string[] }

/** The folder of the package that a bundled module belongs to. */
function packageFolder(module: string): string | undefined {
  const at = module.lastIndexOf("node_modules/")
  if (at < 0) return undefined
  const rest = module.slice(at + "node_modules/".length).split("/")
  return module.slice(0, at + "node_modules/".length) + rest.slice(0, rest[0]!.startsWith("@") ? 2 : 1).join("/")
}

const folders = [...new Set(modules.map(packageFolder).filter((folder) => folder !== undefined))]
const sections = folders
  .filter((folder) => existsSync(join(folder, "package.json")))
  .map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Record<
      string,
      string
    >
    const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry))
    const text = file
      ? readFileSync(join(folder, file), "utf8").trim()
      : `(${name} ships no licence file; declared: ${license})`
    return {
      name: name!,
      text: `## ${name} ${version} (${license})\n\n\`\`\`\n${text.replaceAll("```", "'''")}\n\`\`\`\n`,
    }
  })
  .sort((a, b) => (a.name < b.name ? -1 : 1))
const page = `# Third-party notices

The files under dist/ contain these packages, each under its own licence. Advisory data: see data/advisories/README.md.

${sections.map((section) => section.text).join("\n")}`

if (process.argv.includes("--check")) {
  if (readFileSync("THIRD-PARTY-NOTICES.md", "utf8") !== page) {
    process.stderr.write("THIRD-PARTY-NOTICES.md is out of date: node scripts/build.ts && node scripts/notices.ts\n")
    process.exitCode = 1
  }
} else {
  writeFileSync("THIRD-PARTY-NOTICES.md", page)
}
