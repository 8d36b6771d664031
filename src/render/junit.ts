// `--format junit`: the XML that CI systems read as test results. One suite a lockfile, one failed case a finding; facts
// that are missing are skipped cases in a suite of their own, since "passed" would be untrue.
import type { VetReport, VetRow } from "../vet/report.ts"
import { cleanText, countOf, formatCount } from "./clean.ts"
import { describeAllEvidence, describeFix, describePath, effectWord } from "./describe.ts"
import { sortStrictestFirst } from "./group.ts"

/** CI systems read these files whole; beyond this many cases the rest is one case with their number. */
const MAX_CASES = 10_000

interface Suite {
  name: string
  cases: { xml: string; state: "failed" | "skipped" | "passed" }[]
}

/** Renders a report as JUnit XML (XML 1.0, UTF-8). `failOn: "deny"` turns an `ask` into a skipped case. */
export function renderJunit(report: VetReport, options: { failOn?: "ask" | "deny" } = {}): string {
  const rows = sortStrictestFirst(report.rows)
  const suites = new Map<string, Suite>()
  for (const { path } of report.files) suites.set(path, { name: path, cases: [] })
  for (const row of rows.slice(0, MAX_CASES)) {
    const suite = suites.get(row.file) ?? { name: row.file, cases: [] }
    suites.set(row.file, suite)
    suite.cases.push(describeCase(row, options.failOn ?? "ask"))
  }
  for (const { path, packages } of report.files) {
    const suite = suites.get(path)!
    if (suite.cases.length > 0) continue
    suite.cases.push({ xml: testcase(path, `${countOf(packages, "package")}, no findings`, ""), state: "passed" })
  }
  const all = [...suites.values()]
  if (report.missing.length > 0) all.push(describeMissing(report))
  if (rows.length > MAX_CASES) all.push(describeRest(rows.length - MAX_CASES))
  const head = `<testsuites name="nanoguard vet" ${totals(all.flatMap((suite) => suite.cases))}>`
  return `<?xml version="1.0" encoding="UTF-8"?>\n${head}\n${all.map((suite) => describeSuite(suite, report.time)).join("")}</testsuites>\n`
}

function describeSuite({ name, cases }: Suite, time: string): string {
  const stamp = escapeXml(time.replace(/\.\d+Z$|Z$/, ""))
  return `  <testsuite name="${escapeXml(name)}" ${totals(cases)} timestamp="${stamp}">\n${cases.map(({ xml }) => xml).join("")}  </testsuite>\n`
}

function totals(cases: Suite["cases"]): string {
  const count = (state: string) => cases.filter((testcase) => testcase.state === state).length
  return `tests="${cases.length}" failures="${count("failed")}" errors="0" skipped="${count("skipped")}" time="0"`
}

function describeCase(row: VetRow, failOn: "ask" | "deny"): Suite["cases"][number] {
  const { verdict, file, line, dependency } = row
  const failed =
    verdict.mode === "enforce" && (verdict.effect === "deny" || (verdict.effect === "ask" && failOn === "ask"))
  const name = `${dependency.purl} ${verdict.code}`
  const message = `${effectWord(verdict)}: ${verdict.reason}`
  const body = failed
    ? `      <failure type="${escapeXml(verdict.code)}" message="${escapeXml(message)}">${escapeXml(detailsOf(row), 4000)}</failure>\n`
    : `      <skipped message="${escapeXml(message)}"/>\n`
  return { xml: testcase(file, name, body, line), state: failed ? "failed" : "skipped" }
}

function detailsOf(row: VetRow): string {
  const { verdict, file, line } = row
  const fix = describeFix(verdict.correction)
  const parts = [`${cleanText(file)}:${line}`, `rule ${cleanText(verdict.rule)}`]
  const evidence = describeAllEvidence(verdict.evidence)
  const path = describePath(row)
  if (path !== undefined) parts.push(`via ${path}`)
  if (evidence !== "") parts.push(`evidence ${evidence}`)
  if (fix !== undefined) parts.push(`fix: ${fix}`)
  return parts.join("; ")
}

function describeMissing({ missing }: VetReport): Suite {
  const cases = missing.map(({ fact, reason, packages }) => {
    const message = `not checked for ${countOf(packages, "package")}: ${reason}`
    const xml = testcase("not checked", `${fact} (${reason})`, `      <skipped message="${escapeXml(message)}"/>\n`)
    return { xml, state: "skipped" as const }
  })
  return { name: "not checked", cases }
}

function describeRest(count: number): Suite {
  const message = `${formatCount(count)} more findings are left out here; --format json has all`
  const body = `      <failure type="truncated" message="${message}"/>\n`
  return { name: "more findings", cases: [{ xml: testcase("more findings", message, body), state: "failed" }] }
}

function testcase(classname: string, name: string, body: string, line?: number): string {
  const place = line === undefined ? "" : ` file="${escapeXml(classname)}" line="${Math.trunc(line) || 1}"`
  const open = `    <testcase classname="${escapeXml(classname)}" name="${escapeXml(name)}"${place} time="0"`
  return body === "" ? `${open}/>\n` : `${open}>\n${body}    </testcase>\n`
}

const ENTITIES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;" }

// Cleaning leaves no character that XML 1.0 forbids (section 2.2, production Char).
function escapeXml(text: string, max?: number): string {
  return cleanText(text, max).replace(/[&<>"']/g, (char) => ENTITIES[char]!)
}
