// docs/tour.md: the story as terminals showed it, told again and written down.
// Usage: node scripts/tour.ts [--engine bubblewrap|docker] [--image <name>]
import { readFileSync, writeFileSync } from "node:fs"
import { parseArgs } from "node:util"
import { openMachine } from "../test/story/machine.ts"
import { openStage } from "../test/story/stage.ts"
import { tellStory, WINDOWS } from "../test/story/story.ts"
import { findBox, findClaude } from "../test/story/where.ts"

const { values } = parseArgs({ options: { engine: { type: "string" }, image: { type: "string" } } })
const PAGE = "docs/tour.md"
const BEGIN = "<!-- captured -->"

const box = findBox(values.engine, values.image)
const claude = findClaude((text) => void process.stdout.write(text))
if (typeof box === "string" || claude === undefined) throw new Error(typeof box === "string" ? box : "no Claude Code")

const machine = await openMachine(claude)
const stage = openStage({ cwd: machine.repo, env: machine.env, columns: 132, rows: 44, typing: 0 }, WINDOWS)
const parts: string[] = []
/** What a window showed at an earlier part: only what is new of it is shown again. */
const shown = new Map<string, string[]>()
try {
  await tellStory({
    ...{ machine, stage, box, pause: 0 },
    onPart: (title, text, screen, window) => {
      const lines = tidy(screen)
      const before = window === "agent" ? (shown.get(window) ?? []) : []
      shown.set(window, lines)
      let same = 0
      while (same < before.length && lines[same] === before[same]) same++
      const fresh = same > 12 ? ["...", ...lines.slice(same)] : lines
      parts.push(`## ${parts.length + 1}. ${title}\n${text}\n\n\`\`\`\n${fresh.join("\n")}\n\`\`\`\n`)
    },
  })
  const saw = ["api.github.com", "collector.example", "errors.example"].map((host) => {
    const asked = machine.asked.filter((one) => one.host === host)
    return `${host.padEnd(18)} ${asked.length} ${asked.map(({ method, url }) => `${method} ${url}`).join(", ")}`.trimEnd()
  })
  const real = machine.asked.every(
    ({ host, headers }) => host !== "api.github.com" || headers.authorization?.endsWith(machine.keys.github),
  )
  if (!real) throw new Error("GitHub's stand-in saw another key")
  parts.push(
    `## ${parts.length + 1}. What the internet saw\nThe stand-ins' own counts. The one request to GitHub carried the real key.\n\n\`\`\`\n${saw.join("\n")}\n\`\`\`\n`,
  )
} finally {
  stage.close()
  await machine.close()
}
const [head] = readFileSync(PAGE, "utf8").split(BEGIN)
writeFileSync(PAGE, `${head}${BEGIN}\n\n${parts.join("\n")}`)

/** Without this machine's paths, and without rows in which nothing is. */
function tidy(screen: string): string[] {
  const places = {
    [machine.repo]: "shop",
    [machine.tools]: "tools",
    [machine.env["NANOGUARD_HOME"]!]: ".local/state/nanoguard",
  }
  // A terminal wraps wherever its line is full.
  const wrapped = (path: string) => new RegExp([...path].map((char) => char.replace(/[^\w/]/, "\\$&")).join("\n?"), "g")
  let homely = screen
  for (const [path, name] of Object.entries(places)) homely = homely.replace(wrapped(path), `/home/ana/${name}`)
  return homely
    .trim()
    .replace(/\n{3,}/g, "\n\n")
    .replace(/^─{20,}$/gm, "─".repeat(60))
    .split("\n")
}
