// Addresses that no request may reach from a box, whatever a policy says: the IANA special-purpose registries
// (RFC 6890), cloud metadata, and every way to write an IPv4 address inside an IPv6 one.

/** [first address, prefix length] of IPv4 ranges that are not publicly routed. */
const V4: readonly [number, number][] = (
  [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    // Metadata and platform services on addresses that are otherwise public.
    "168.63.129.16/32",
    "100.100.100.200/32",
  ] as const
).map((range) => {
  const [address = "", bits = ""] = range.split("/")
  return [parseV4(address) as number, Number(bits)]
})

const NAMES = /(?:^|\.)(?:localhost|localdomain|local|internal|home\.arpa|metadata|instance-data)$/

/** Whether a host, given as a name or as an address, is one that the floor refuses. Names are judged without resolving. */
export function isPrivateHost(host: string): boolean {
  const bare = host.startsWith("[") && host.endsWith("]") ? host.slice(1, -1) : host
  return isNumeric(bare) ? isPrivateAddress(bare) : NAMES.test(bare)
}

/**
 * Whether a host is an address to whoever reads it, in canonical form or not: one that ends in a number is an IPv4 address to every URL
 * parser, and one that is not in canonical form is a disguise.
 */
export function isNumeric(host: string): boolean {
  if (host.includes(":")) return true
  const last = host.charCodeAt(host.length - 1)
  const maybe = (last >= 48 && last <= 57) || last === 46 || /(?:^|\.)0x[0-9a-f]*$/i.test(host)
  return maybe && /(?:^|\.)(?:\d+|0x[0-9a-f]*)\.?$/i.test(host)
}

/** Addresses that are remembered: whoever is sent to again is not taken apart again. */
const MAX_KNOWN = 1_000

const known = new Map<string, boolean>()

/** Whether an address is private, local, reserved or metadata; text that is no address in canonical form counts as such. */
export function isPrivateAddress(address: string): boolean {
  const before = known.get(address)
  if (before !== undefined) return before
  if (known.size >= MAX_KNOWN) known.clear()
  const answer = findPrivate(address)
  known.set(address, answer)
  return answer
}

function findPrivate(address: string): boolean {
  const v4 = parseV4(address)
  if (v4 !== undefined) return isPrivateV4(v4)
  const v6 = parseV6(address)
  return v6 === undefined || isPrivateV6(v6)
}

function isPrivateV4(address: number): boolean {
  return V4.some(([first, bits]) => address >>> (32 - bits) === first >>> (32 - bits))
}

/** Global unicast is 2000::/3 without the special parts; addresses that carry an IPv4 address are judged by it. */
function isPrivateV6(parts: readonly number[]): boolean {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = parts
  const embedded = (high: number, low: number) => isPrivateV4(high * 65536 + low)
  if (a === 0x64 && b === 0xff9b) return c !== 0 || d !== 0 || e !== 0 || f !== 0 || embedded(g, h)
  if (a >>> 13 !== 1) return !(a === 0 && b === 0 && c === 0 && d === 0 && e === 0 && f === 0xffff) || embedded(g, h)
  if (a === 0x2002) return embedded(b, c)
  if (a === 0x2001 && b < 0x200) return true
  if (a === 0x2001 && b === 0xdb8) return true
  return a === 0x3fff && b < 0x1000
}

/** Strict dotted quad: four decimal numbers without leading zeros; undefined otherwise. */
export function parseV4(text: string): number | undefined {
  const match = /^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})$/.exec(text)
  if (!match) return undefined
  let address = 0
  for (const part of match.slice(1)) {
    const value = Number(part)
    if (value > 255) return undefined
    address = address * 256 + value
  }
  return address
}

/** The eight groups of an IPv6 address (RFC 4291, 2.2), without zone; undefined where it is none. */
export function parseV6(text: string): number[] | undefined {
  if (text.length > 45 || !/^[0-9a-f:.]+$/i.test(text)) return undefined
  const halves = text.split("::")
  if (halves.length > 2) return undefined
  const groups: number[][] = []
  for (const [index, half] of halves.entries()) {
    const list: number[] = []
    for (const [position, group] of (half === "" ? [] : half.split(":")).entries()) {
      if (group.includes(".")) {
        const isLast = index === halves.length - 1 && position === half.split(":").length - 1
        const v4 = parseV4(group)
        if (!isLast || v4 === undefined) return undefined
        list.push(v4 >>> 16, v4 & 0xffff)
      } else if (/^[0-9a-f]{1,4}$/i.test(group)) list.push(Number.parseInt(group, 16))
      else return undefined
    }
    groups.push(list)
  }
  const [head = [], tail] = groups
  if (tail === undefined) return head.length === 8 ? head : undefined
  const gap = 8 - head.length - tail.length
  return gap < 1 ? undefined : [...head, ...new Array<number>(gap).fill(0), ...tail]
}
