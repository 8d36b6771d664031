// How `nanoguard audit inventory` looks to people: agents, then what they consumed, then how the answer was found.
import type { Inventory, InventoryAgent, InventoryItem, Reason } from "../audit/inventory/types.ts"
import { nameOf } from "./audit-inventory-csv.ts"
import { cleanText, countOf, formatCount } from "./clean.ts"
import { alignColumns, moreOf, type Page, wrapText } from "./layout.ts"

/** Which of the two tables. */
export type View = "agents" | "items" | "both"

/** Renders an inventory as text; `asked` says that a time was asked for. */
export function renderInventory(
  inventory: Inventory,
  view: View,
  page: Page,
  asked: { asOf: boolean; agent: boolean },
): string {
  const out: string[] = []
  if (inventory.touched !== undefined) out.push(...touchedHead(inventory, page), "")
  const agents = view === "items" ? [] : [...agentsSection(inventory, page, asked.agent), ""]
  const items = view === "agents" ? [] : [...itemsSection(inventory, page), ""]
  // Who has it comes first where that was asked.
  out.push(...(inventory.touched === undefined ? [...agents, ...items] : [...items, ...agents]))
  const when = asked.asOf ? `As of ${shortTime(inventory.asOf)}` : "From"
  out.push(`${when}${asked.asOf ? ", from" : ""} ${countOf(inventory.seq, "record")}.`)
  if (view !== "agents" && inventory.others > 0) out.push(...wrapText(othersText(inventory), page.columns))
  return `${out.join("\n")}\n`
}

function othersText({ refused, others }: Inventory): string {
  return refused
    ? `${countOf(others, "other use")} ${others === 1 ? "was" : "were"} given: leave --refused out to see them.`
    : `${countOf(others, "other use")} ${others === 1 ? "was" : "were"} asked for and not given: --refused shows them.`
}

function agentsSection({ agents, touched }: Inventory, page: Page, withRuns: boolean): string[] {
  const running = agents.reduce((sum, agent) => sum + agent.running, 0)
  const title = touched === undefined ? "Agents" : "These agents"
  if (agents.length === 0) return [page.style.bold(`${title}: none`)]
  const head = page.style.bold(
    `${title}: ${formatCount(agents.length)}, ${running === 0 ? "no run" : countOf(running, "run")} going on`,
  )
  return [head, ...(withRuns ? runsTable(agents, page) : agentsTable(agents, page))]
}

function agentsTable(agents: readonly InventoryAgent[], page: Page): string[] {
  const latest = agents.toSorted((a, b) => (a.last < b.last ? 1 : -1))
  const rows = latest
    .slice(0, page.limit)
    .map((agent) => [
      agent.agent || "-",
      `${formatCount(agent.runs.length)}${agent.running > 0 ? `, ${agent.running} running` : ""}`,
      listOf(agent.operators.map(nameOf)),
      listOf(agent.policies.map((policy) => policy.slice(0, 19))),
      boxesOf(agent),
      shortTime(agent.first),
      shortTime(agent.last),
      formatCount(agent.events),
    ])
  const header = ["AGENT", "RUNS", "OPERATOR", "POLICY", "BOXED", "FIRST", "LAST", "RECORDS"]
  return table([header, ...rows], [7], agents.length - rows.length, "agent")
}

function runsTable(agents: readonly InventoryAgent[], page: Page): string[] {
  const runs = agents.flatMap(({ agent, runs }) => runs.map((run) => ({ agent, ...run })))
  const rows = runs
    .slice(0, page.limit)
    .map((run) => [
      run.agent || "-",
      run.run || "-",
      run.state === "ended" && run.outcome ? `ended, ${run.outcome}` : run.state,
      nameOf(run.operator) || "-",
      run.policy.slice(0, 19) || "-",
      run.boxed === null ? "unknown" : run.boxed ? "yes" : "no",
      shortTime(run.first),
      shortTime(run.last),
      formatCount(run.events),
    ])
  const header = ["AGENT", "RUN", "STATE", "OPERATOR", "POLICY", "BOXED", "FIRST", "LAST", "RECORDS"]
  return table([header, ...rows], [8], runs.length - rows.length, "run")
}

function itemsSection({ items, refused, touched }: Inventory, page: Page): string[] {
  const title = refused ? "Asked for and not given" : "Consumed"
  if (items.length === 0) return [page.style.bold(`${title}: nothing`)]
  const byAgent = touched !== undefined
  const withReasons = touched?.by === "advisory"
  const rows = items.flatMap((item) => (byAgent ? useRows(item, withReasons) : [itemRow(item)]))
  // Latest first, whatever the table: what is new is what one looks for.
  rows.sort((a, b) => (a.last < b.last ? 1 : -1))
  const shown = rows.slice(0, page.limit).map(({ cells }) => cells)
  const header = byAgent
    ? ["AGENT", "ITEM", "SINCE", "LAST", "TIMES", "OUTCOME", "APPROVED BY", ...(withReasons ? ["KNOWN FROM"] : [])]
    : ["KIND", "ITEM", "DIGEST", "AGENTS", "FIRST", "LAST", "TIMES", "APPROVED BY"]
  if (refused) header[header.indexOf("APPROVED BY")] = "DECIDED BY"
  return [
    page.style.bold(`${title}: ${countOf(items.length, "item")}`),
    ...table([header, ...shown], byAgent ? [4] : [6], rows.length - shown.length, byAgent ? "use" : "item"),
  ]
}

interface Row {
  last: string
  cells: string[]
}

function itemRow(item: InventoryItem): Row {
  const { kind, digest, uses } = item
  const agents = [...new Set(uses.map(({ agent }) => agent || "-"))]
  const last = uses.reduce((latest, use) => (use.last > latest ? use.last : latest), "")
  const count = uses.reduce((sum, use) => sum + use.count, 0)
  const approvers = uses.flatMap((use) => use.approvers.map(nameOf))
  const first = shortTime(uses[0]!.first)
  return {
    last,
    cells: [
      kind,
      titleOf(item),
      shortDigest(digest),
      listOf(agents),
      first,
      shortTime(last),
      formatCount(count),
      listOf(approvers),
    ],
  }
}

/** Uses that differ in policy or operator only are one row here. */
function useRows(item: InventoryItem, withReasons: boolean): Row[] {
  const same = Map.groupBy(item.uses, ({ agent, outcome }) => `${agent}\0${outcome}`)
  return [...same.values()].map((uses) => {
    const { agent, outcome, first } = uses[0]!
    const last = uses.reduce((latest, use) => (use.last > latest ? use.last : latest), "")
    const count = uses.reduce((sum, use) => sum + use.count, 0)
    const approvers = uses.flatMap((use) => use.approvers.map(nameOf))
    const reasons = [...new Set(uses.flatMap(({ because }) => because ?? []))].map((reason) => REASONS[reason])
    const cells = [agent || "-", titleOf(item), shortTime(first), shortTime(last), formatCount(count), outcome || "-"]
    return { last, cells: [...cells, listOf(approvers), ...(withReasons ? [reasons.join(", ")] : [])] }
  })
}

const REASONS: Record<Reason, string> = {
  verdict: "its verdict",
  "other-verdict": "another's verdict",
  index: "today's advisories",
  undecided: "undecided",
}

/** What was asked, in how many hands it is, and what the answer rests on. */
function touchedHead({ touched, agents, items, refused }: Inventory, page: Page): string[] {
  const { asked, advisories, by, index } = touched!
  const others = advisories.filter((name) => name !== asked).join(", ")
  const what = cleanText(others === "" ? asked : `${asked} (${others})`)
  const who = agents.length === 0 ? "no agent" : countOf(agents.length, "agent")
  const has = refused ? "asked for it and did not get it" : agents.length === 1 ? "has it" : "have it"
  const versions = by !== "name" && items.length > 1 ? `, in ${countOf(items.length, "version")}` : ""
  const lines = [page.style.bold(`${what}: ${who} ${refused || agents.length > 0 ? has : "has it"}${versions}.`)]
  if (index === null) return lines
  const searched = index.searched
    ? `Verdicts on record were searched, and the local advisories (${index.kind}, as of ${index.asOf || "an unknown day"}${index.partial ? ", not complete for every ecosystem" : ""}).`
    : `Only verdicts on record were searched: the local advisories cannot be (${cleanText(index.reason)}). What was installed before the advisory was known is missing here.`
  return [...lines, ...wrapText(searched, page.columns)]
}

const titleOf = ({ name, version }: InventoryItem) => (version === "" ? name : `${name}@${version}`)

/** Enough of a digest to tell two apart by eye; JSON has all of it. */
const shortDigest = (digest: string) => (digest === "" ? "-" : digest.slice(0, 19))

function boxesOf({ runs }: InventoryAgent): string {
  const boxes = new Set(runs.map(({ boxed }) => boxed))
  if (boxes.has(false)) return boxes.size === 1 ? "no" : "not always"
  return boxes.has(true) ? (boxes.has(null) ? "yes, or unknown" : "yes") : "unknown"
}

/** Up to two names, and how many more. */
function listOf(names: readonly string[]): string {
  const distinct = [...new Set(names)].filter((name) => name !== "")
  if (distinct.length === 0) return "-"
  const more = distinct.length - 2
  return `${distinct.slice(0, 2).join(", ")}${more > 0 ? ` and ${more} more` : ""}`
}

function table(rows: readonly (readonly string[])[], right: readonly number[], hidden: number, noun: string): string[] {
  const lines = alignColumns(rows, right).map((line) => `  ${line}`)
  return hidden > 0 ? [...lines, `  ${moreOf(hidden, noun)}`] : lines
}

/** To the minute, UTC: `2026-11-21 09:12Z`. */
function shortTime(time: string): string {
  return `${time.slice(0, 10)} ${time.slice(11, 16)}Z`
}
