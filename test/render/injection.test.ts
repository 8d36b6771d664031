// Every string of a report is an attacker's here. Each format is read back by its own reader, and must say no more and no
// less than a report with harmless strings does.
import { beforeAll, describe, expect, test } from "vitest"
import { renderCyclonedx } from "../../src/render/cyclonedx.ts"
import { renderGithub } from "../../src/render/github.ts"
import { renderJson } from "../../src/render/json.ts"
import { renderJunit } from "../../src/render/junit.ts"
import { renderSarif } from "../../src/render/sarif.ts"
import { loadStyle } from "../../src/render/style.ts"
import { MAX_BYTES, renderSummary } from "../../src/render/summary.ts"
import { renderText } from "../../src/render/text.ts"
import { readCommands } from "./runner.ts"
import { poisonedReport } from "./sample.ts"
import { cyclonedxValidator, NO_SCHEMA, sarifValidator } from "./schemas.ts"
import { type Element, hasXmlParser, parseXml } from "./xml.ts"

const POISON: [string, string][] = [
  ["ANSI colours and a cleared screen", "\x1b[2J\x1b[31mred\x1b[0m"],
  ["OSC 8, a link that lies", "\x1b]8;;https://evil.example\x1b\\safe\x1b]8;;\x1b\\"],
  ["OSC 52, the clipboard", "\x1b]52;c;ZXZpbA==\x07"],
  ["C1 controls", "\u009b2J\u009d0;title\u009c"],
  ["lines and a workflow command", "x\r\n::error file=a::forged\n::set-output name=x::y"],
  ["a workflow command at a place where text wraps", `${"word ".repeat(30)}::error::forged ::stop-commands::x`],
  ["a workflow command first", "::add-mask::x"],
  ["the older command form", "x ##[error]forged ##vso[task.setvariable variable=x]y"],
  ["a carriage return that overwrites the line", "deny\rallow everything"],
  ["the end of CDATA and of elements", ']]></failure></testcase><testcase name="forged"/><![CDATA['],
  ["entities", '&lt;&amp;&#0;&xxe; <!ENTITY x SYSTEM "file:///etc/passwd">'],
  ["HTML", "<script>alert(1)</script><img src=x onerror=alert(1)>"],
  [
    "Markdown",
    "[click](https://evil.example) ![x](https://evil.example/p.png) **b** `c` | d |\n|---|\n# H\n- [ ] @everyone",
  ],
  ["code spans that end early", "``` ` \\` `<b>x</b>` \\| | \\"],
  ["SARIF placeholders and links", "{0} {{1}} [text](1) [x](https://evil.example)"],
  ["bidi and zero-width", "\u202ekcol.egakcap\u2066\u200b\u2060\ufeff"],
  ["tag characters", "\u{e0001}\u{e0041}\u{e007f}"],
  ["NUL and noncharacters", "a\0b\ufffe\uffff\u{1fffe}"],
  ["lone surrogates", "\ud800x\udc00"],
  ["JSON", '","forged":true,"x":"'],
  ["prototype keys", "__proto__"],
  ["GitLab sections", "\x1b[0Ksection_start:1:x[collapsed=true]\r\x1b[0K"],
  ["a path that climbs", "../../../../etc/passwd"],
]

// Formats for people are bounded; those for programs hold what was there, whatever its size.
const LARGE: [string, string][] = [
  ["1 MB", "A".repeat(1_000_000)],
  ["1 MB of what grows when escaped", "\u202e".repeat(300_000)],
]

const HARMLESS = "harmless-name"
const FORBIDDEN = /(?!\n)[\p{C}\p{Default_Ignorable_Code_Point}\u2028\u2029]/u
const PARSER = hasXmlParser()
const validateBom = cyclonedxValidator()
let validateSarif: Awaited<ReturnType<typeof sarifValidator>>

let harmlessXml: unknown

const shape = ({ tag, children }: Element): unknown => [tag, children.map(shape)]

beforeAll(async () => {
  if (PARSER) harmlessXml = shape(parseXml(renderJunit(poisonedReport(HARMLESS))))
  validateSarif = await sarifValidator()
}, 30_000)

describe.each([...POISON, ...LARGE])("%s, for people", (_name, poison) => {
  const report = poisonedReport(poison)
  const harmless = poisonedReport(HARMLESS)

  test("text: no control reaches the terminal, no line becomes a command, nothing is endless", () => {
    const text = renderText(report)
    expect(text).not.toMatch(FORBIDDEN)
    expect(readCommands(text)).toEqual([])
    expect(text.length).toBeLessThan(60_000)
    expect(text.match(/^(deny|ask|would deny) /gm)).toEqual(renderText(harmless).match(/^(deny|ask|would deny) /gm))
    expect(text.match(/^Failed: /gm)).toHaveLength(1)
  })

  test("text in colour: only our own colours", async () => {
    const style = await loadStyle(process.stdout, {}, true)
    const text = renderText(report, { style })
    expect(text).toContain("\x1b[31mdeny")
    expect(text.replace(/\x1b\[(?:1|2|22|31|32|33|39)m/g, "")).not.toMatch(FORBIDDEN)
  })

  test("github: our annotations and no others", () => {
    const text = renderGithub(report)
    expect(text).not.toMatch(FORBIDDEN)
    const shapeOf = (log: string) =>
      readCommands(log).map(({ command, properties }) => [command, Object.keys(properties)])
    expect(shapeOf(text)).toEqual(shapeOf(renderGithub(harmless)))
    expect(text.split("\n").length).toBe(renderGithub(harmless).split("\n").length)
    for (const { data } of readCommands(text)) expect(readCommands(data)).toEqual([])
  })

  test("summary: a table of our shape, with nothing that is markup", () => {
    const text = renderSummary(report)
    expect(text).not.toMatch(FORBIDDEN)
    expect(Buffer.byteLength(text)).toBeLessThan(MAX_BYTES)
    const lines = text.split("\n")
    expect(lines.length).toBe(renderSummary(harmless).split("\n").length)
    for (const line of lines.filter((line) => line.startsWith("| deny") || line.startsWith("| ask"))) {
      expect(line.split("|").length).toBe(8)
    }
    for (const line of lines.slice(4)) {
      const outside = line.replace(/`[^`]*`/g, "").replace(/&#\d+;/g, "")
      expect(outside).toMatch(/^[\p{L}\p{M}\p{N} ,:|().-]*$/u)
    }
  })

  test("junit: well-formed, with our elements only", (ctx) => {
    const text = renderJunit(report)
    expect(text).not.toMatch(FORBIDDEN)
    if (!PARSER) return ctx.skip("python3 is missing: install it from your system's packages")
    expect(shape(parseXml(text))).toEqual(harmlessXml)
  })
})

describe.each(POISON)("%s, for programs", (_name, poison) => {
  const report = poisonedReport(poison)
  const harmless = poisonedReport(HARMLESS)

  test("json: the same values, printed safely", () => {
    const text = renderJson(report)
    expect(text).not.toMatch(FORBIDDEN)
    expect(readCommands(text)).toEqual([])
    expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(report)))
  })

  test("sarif: valid, with links and placeholders escaped and relative addresses", (ctx) => {
    const text = renderSarif(report)
    expect(text).not.toMatch(FORBIDDEN)
    expect(readCommands(text)).toEqual([])
    const { results } = JSON.parse(text).runs[0]
    expect(results.length).toBe(report.rows.length)
    for (const { message, locations } of results) {
      expect(message.text.replace(/\\[[\]]/g, "")).not.toMatch(/[[\]{}]/)
      expect(message.text.length).toBeLessThan(6000)
      const { uri } = locations[0].physicalLocation.artifactLocation
      expect(new URL(uri, "https://root.example/").host).toBe("root.example")
    }
    if (validateSarif === undefined) return ctx.skip(NO_SCHEMA)
    validateSarif(JSON.parse(text))
    expect(validateSarif.errors ?? []).toEqual([])
  })

  test("cyclonedx: valid, and the same components", () => {
    const text = renderCyclonedx(report)
    expect(text).not.toMatch(FORBIDDEN)
    const bom = JSON.parse(text)
    validateBom(bom)
    expect(validateBom.errors ?? []).toEqual([])
    expect(bom.components).toHaveLength(JSON.parse(renderCyclonedx(harmless)).components.length)
  })
})
