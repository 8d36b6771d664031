// `audit inventory --format csv`: a table for spreadsheets. JSON has the same, exactly as it is on record.
import type { Inventory, Person } from "../audit/inventory/types.ts"
import { renderCsv } from "./csv.ts"

const ITEMS = [
  ...["kind", "name", "version", "digest", "agent", "outcome", "operator", "approvers", "policy"],
  ...["first", "last", "count", "first_seq", "last_seq", "because"],
]

const AGENTS = [
  ...["agent", "run", "state", "boxed", "operator", "policy", "gateway"],
  ...["first", "last", "started", "ended", "outcome", "records"],
]

/** A row for each use of an item, or for each run of an agent. */
export function renderInventoryCsv(inventory: Inventory, view: "agents" | "items"): string {
  return view === "agents" ? renderCsv(AGENTS, runRows(inventory)) : renderCsv(ITEMS, useRows(inventory))
}

function* useRows({ items }: Inventory): Generator<(string | number)[]> {
  for (const { kind, name, version, digest, uses } of items) {
    for (const use of uses) {
      yield [
        ...[kind, name, version, digest, use.agent, use.outcome, nameOf(use.operator)],
        ...[
          use.approvers.map(nameOf).join(", "),
          use.policy,
          use.first,
          use.last,
          use.count,
          use.firstSeq,
          use.lastSeq,
        ],
        use.because?.join(" ") ?? "",
      ]
    }
  }
}

function* runRows({ agents }: Inventory): Generator<(string | number)[]> {
  for (const { agent, runs } of agents) {
    for (const { run, state, boxed, operator, policy, gateway, first, last, started, ended, outcome, events } of runs) {
      const box = boxed === null ? "" : boxed ? "yes" : "no"
      const what = [agent, run, state, box, nameOf(operator), policy, gateway]
      yield [...what, first, last, started ?? "", ended ?? "", outcome, events]
    }
  }
}

/** A name for people: "" for nobody, "erased" for whom the store no longer knows. */
export function nameOf(person: Person | null): string {
  return person === null ? "" : (person.name ?? "erased")
}
