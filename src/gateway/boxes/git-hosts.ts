// Hosts of git repositories that a policy names, whose ssh addresses lead to https in a box.
import type { CompiledPolicy } from "../../policy/compiled.ts"
import type { GitHost } from "../../sandbox/settings.ts"

/** Services whose hosts keep repositories. */
const KEEPERS: ReadonlySet<string | undefined> = new Set(["git", "github", "gitlab"])
const MOST = 50
const HTTPS = 443

/** One for each host that a rule names exactly and calls such a service; its port where that is one other than 443, its credential where it has one. */
export function gitHostsOf({ network }: Pick<CompiledPolicy, "network">): GitHost[] {
  const found = [...network.hosts.exact].flatMap(([host, rules]): GitHost[] => {
    const named = rules.filter(({ service, effect }) => KEEPERS.has(service) && effect !== "deny")
    if (named.length === 0) return []
    const [ports] = named.flatMap(({ source }) => (Array.isArray(source["ports"]) ? [source["ports"] as number[]] : []))
    const port = ports?.length === 1 && ports[0] !== HTTPS ? ports[0] : undefined
    const credential = named.find((rule) => rule.credential !== undefined)?.credential
    return [{ host, ...(port !== undefined && { port }), ...(credential !== undefined && { credential }) }]
  })
  return found.slice(0, MOST)
}
