// Loaded into nanoguard (`node --import`): names of the story's internet lead to its stand-ins on loopback. To the gate each has an
// address as the real one has, so that the policy of the story is one that people could write.
import dns from "node:dns"
import { syncBuiltinESMExports } from "node:module"
import net from "node:net"

/** Hosts by blanks, and the port that stands for all their ports 443. */
const hosts = (process.env["STORY_HOSTS"] ?? "").split(" ")
const port = Number(process.env["STORY_PORT"])
/** A public address that is nobody's service; nothing ever leaves for it. */
const ADDRESS = "192.175.48.1"

type Lookup = (host: string, options: { all?: boolean }, callback: (...result: unknown[]) => void) => void
const { lookup } = dns as unknown as { lookup: Lookup }
const promised = dns.promises.lookup as unknown as (host: string, options: unknown) => Promise<unknown>
const found = { address: ADDRESS, family: 4 }

Object.assign(dns, {
  lookup: ((host, options, callback) => {
    if (!hosts.includes(host)) return lookup(host, options, callback)
    process.nextTick(() => (options.all ? callback(null, [found]) : callback(null, ADDRESS, 4)))
  }) satisfies Lookup,
})
Object.assign(dns.promises, {
  lookup: async (host: string, options: { all?: boolean } = {}) => {
    if (!hosts.includes(host)) return promised(host, options)
    return options.all ? [found] : found
  },
})

interface Target {
  host?: string
  port?: number | string
}
const { connect } = net.Socket.prototype as unknown as { connect: (...args: unknown[]) => net.Socket }
Object.assign(net.Socket.prototype, {
  connect(this: net.Socket, ...args: unknown[]) {
    // As net.connect() hands it on: a list of options and callback; or the options themselves.
    const target = (Array.isArray(args[0]) ? args[0][0] : args[0]) as Target
    const known = target?.host === ADDRESS || hosts.includes(target?.host ?? "")
    if (known) Object.assign(target, { host: "127.0.0.1", port, lookup: undefined })
    return connect.apply(this, args)
  },
})
syncBuiltinESMExports()
