// What the record calls a host that an agent reached, or wanted to: one spelling for who writes it and who looks for it.
import type { Item } from "./types.ts"

/** A canonical host with its port, where that is another than 443; IPv6 stands in brackets, as in an address (RFC 3986, section 3.2.2). */
export function hostItem({ host, port }: { host: string; port: number }): Item {
  const name = host.includes(":") ? `[${host}]` : host
  return { kind: "host", name: port === 443 ? name : `${name}:${port}` }
}
