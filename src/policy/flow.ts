// Rules as one line of flow YAML, to be pasted into a policy.

/** A text as a flow scalar: plain where it starts with a letter and is none of YAML's words, else quoted. */
export const quote = (text: string) =>
  /^[A-Za-z][A-Za-z0-9._/:-]*[A-Za-z0-9]$/.test(text) && !/^(?:true|false|null)$/i.test(text)
    ? text
    : JSON.stringify(text)

/** The part of an id that comes from a name. */
export function slugOf(text: string): string {
  return (
    text
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, "-")
      .replace(/^-+|-+$/g, "")
      .slice(0, 40) || "it"
  )
}

/** What a request rule that allows says; lists that are absent choose nothing. */
export interface AllowedRequests {
  id: string
  host: string
  port: number
  access?: "read" | "write"
  methods?: readonly string[]
  operations?: readonly string[]
  /** Path patterns. */
  paths?: readonly string[]
  /** Name of the credential that goes onto them. */
  credential?: string
  /** Private addresses that the host may resolve to. */
  addresses?: readonly string[]
}

/** A rule that allows requests, as an item of `network`. */
export function formatAllow(rule: AllowedRequests): string {
  const { id, host, port, access, methods, operations, paths, credential, addresses } = rule
  const list = (key: string, items: readonly string[] | undefined) =>
    items && items.length > 0 ? [`${key}: [${items.map(quote).join(", ")}]`] : []
  const parts = [
    `id: ${id}`,
    `allow: ${quote(host)}`,
    ...(port === 443 ? [] : [`ports: [${port}]`]),
    ...(access === undefined ? [] : [`access: ${access}`]),
    ...list("methods", methods),
    ...list("operations", operations),
    ...list("paths", paths),
    ...(credential === undefined ? [] : [`credential: ${quote(credential)}`]),
    ...list("addresses", addresses),
  ]
  return `- { ${parts.join(", ")} }`
}
