// Loaded into a gate before the built CLI (`--import`): names of these tests lead to loopback, as an entry of the machine's own would.
import dns from "node:dns"
import { syncBuiltinESMExports } from "node:module"

/** Ends of names that nobody else has, and hosts of services that tests stand in for; by blanks. */
const ours = (process.env["NANOGUARD_TEST_NAMES"] ?? "").split(" ")
const isOurs = (host: string) =>
  ours.includes(host) || /\.(?:test|example)$/.test(host) || host.endsWith(".example.com")

type Lookup = (host: string, options: unknown, callback: (...result: unknown[]) => void) => void
const { lookup } = dns as unknown as { lookup: Lookup }
const LOOPBACK = { address: "127.0.0.1", family: 4 }

Object.assign(dns, {
  lookup: (host: string, options: { all?: boolean }, callback: (...result: unknown[]) => void) => {
    if (!isOurs(host)) return lookup(host, options, callback)
    process.nextTick(() => (options.all ? callback(null, [LOOPBACK]) : callback(null, "127.0.0.1", 4)))
  },
})
const promised = dns.promises.lookup as unknown as (host: string, options: unknown) => Promise<unknown>
Object.assign(dns.promises, {
  lookup: async (host: string, options: { all?: boolean } = {}) => {
    if (!isOurs(host)) return promised(host, options)
    return options.all ? [LOOPBACK] : LOOPBACK
  },
})
syncBuiltinESMExports()
