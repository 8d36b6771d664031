// Tables of a service's own requests: method and path on one side, the operation on the other.

/** What a table says about one request. */
export interface Route {
  operation: string
  access: "read" | "write"
  /** What is acted on, with `{name}` where a segment of the path goes; "" where the table does not say. */
  resource: string
  /** False where the path is the table's but for upper and lower case: some servers take it all the same. */
  exact: boolean
  /** Segments of the path by name, still percent-encoded. */
  params: Readonly<Record<string, string>>
}

/** One line of a table, as the documentation shows it. */
export interface Row {
  method: string
  template: string
  operation: string
  access: "read" | "write"
  resource: string
}

interface Node {
  /** By the segment in lower case. */
  literal: Map<string, { segment: string; node: Node }>
  param?: Node
  /** By method, where the path ends here; `rest` where it may go on. */
  ends: Map<string, { row: Row; names: readonly string[] }>
  rest: Map<string, { row: Row; names: readonly string[] }>
}

export interface Routes {
  rows: readonly Row[]
  find: (method: string, path: string) => Route | undefined
}

const MAX_SEGMENTS = 64
const emptyNode = (): Node => ({ literal: new Map(), ends: new Map(), rest: new Map() })

/**
 * Reads a table, one route a line: method, path template, operation, and what it acts on. GET and HEAD read, the others write;
 * `POST*` is a POST that only reads, `GET!` a GET that changes something. `{name}` is one segment, `{+name}` one or more at the end.
 */
export function readRoutes(table: string): Routes {
  const root = emptyNode()
  const rows: Row[] = []
  for (const line of table.split("\n")) {
    const [mark, template, operation, ...resource] = line.trim().split(/\s+/)
    if (!mark || !template || !operation) continue
    const method = mark.replace(/[*!]$/, "")
    const reads = mark.endsWith("*") || (method === "GET" && !mark.endsWith("!"))
    const row: Row = { method, template, operation, access: reads ? "read" : "write", resource: resource.join(" ") }
    rows.push(row)
    addRow(root, row)
  }
  return { rows, find: (method, path) => findRoute(root, method === "HEAD" ? "GET" : method, path) }
}

function addRow(root: Node, row: Row): void {
  let node = root
  const names: string[] = []
  for (const segment of row.template.slice(1).split("/")) {
    const [, rest, name] = /^\{(\+?)([a-z_]+)\}$/.exec(segment) ?? []
    if (name !== undefined) names.push(name)
    if (rest === "+") {
      node.rest.set(row.method, { row, names })
      return
    }
    const next: Node = (name === undefined ? node.literal.get(segment.toLowerCase())?.node : node.param) ?? emptyNode()
    if (name === undefined) node.literal.set(segment.toLowerCase(), { segment, node: next })
    else node.param = next
    node = next
  }
  node.ends.set(row.method, { row, names })
}

/** A literal segment wins over a named one. A slash at the end makes no difference, as servers have it. */
function findRoute(root: Node, method: string, path: string): Route | undefined {
  const segments = path.replace(/\/$/, "").slice(1).split("/")
  if (segments.length > MAX_SEGMENTS) return undefined
  const taken: string[] = []
  const walk = (node: Node, index: number, exact: boolean): Route | undefined => {
    if (index === segments.length) return finish(node.ends.get(method), taken, exact)
    const segment = segments[index] as string
    const literal = node.literal.get(segment.toLowerCase())
    const found = literal && walk(literal.node, index + 1, exact && literal.segment === segment)
    if (found) return found
    if (segment === "") return undefined
    if (node.param) {
      taken.push(segment)
      const byName = walk(node.param, index + 1, exact)
      if (byName) return byName
      taken.pop()
    }
    const rest = node.rest.get(method)
    return rest && finish(rest, [...taken, segments.slice(index).join("/")], exact)
  }
  return walk(root, 0, true)
}

type End = { row: Row; names: readonly string[] }

function finish(end: End | undefined, taken: readonly string[], exact: boolean): Route | undefined {
  if (!end) return undefined
  const { operation, access, resource } = end.row
  const params = Object.fromEntries(end.names.map((name, i) => [name, taken[i] ?? ""]))
  return { operation, access, resource, exact, params }
}
