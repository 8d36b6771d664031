// Who the names of approvers, operators and agents stand for.

/** Who a name stands for: `ana+laptop@acme.example` is another key of `ana@acme.example`, and capital letters make nobody else. */
export function personOf(name: string): string {
  return name.replace(/\+[^@]*/, "").toLowerCase()
}

/** How many people some names are of. */
export function countPeople(names: readonly string[]): number {
  return new Set(names.map(personOf)).size
}
