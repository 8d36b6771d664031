// Ranges of private addresses that a rule lets requests reach, and the addresses that none can.
import { isPrivateAddress, parseV4, parseV6 } from "./addresses.ts"

/** An address or a CIDR range (RFC 4632, RFC 4291 section 2.3), as 32 or 128 bits. */
export interface AddressRange {
  text: string
  family: 4 | 6
  first: bigint
  /** Length of the prefix. */
  bits: number
}

interface Address {
  family: 4 | 6
  value: bigint
}

const SIZE = { 4: 32, 6: 128 } as const
const MAPPED = 0xffffn << 32n

/** Link-local, multicast, unspecified and broadcast: of these a rule cannot even name a part. */
const CLOSED = ["0.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "255.255.255.255", "::", "fe80::/10", "ff00::/8"].map(
  rangeOf,
)
/** Metadata and platform services of clouds, which lie amid addresses that a rule may well name. */
const METADATA = ["100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254"].map(rangeOf)

/** Reads one entry of `addresses`; a text that says what is wrong where it is none. */
export function parseAddressRange(text: string): AddressRange | string {
  const [, address = "", length] = /^([0-9a-f:.]+)(?:\/(0|[1-9]\d{0,2}))?$/i.exec(text) ?? []
  const parsed = parseAddress(address)
  if (!parsed) return "it is neither an address nor a range such as 10.4.0.0/16"
  const { family, value: first } = parsed
  // An IPv4 address in its IPv6 form is the IPv4 address; a range of them is written as such.
  if (length !== undefined && family === 4 && address.includes(":")) return "write the range in its IPv4 form"
  const bits = length === undefined ? SIZE[family] : Number(length)
  if (bits > SIZE[family]) return `a prefix has at most ${SIZE[family]} bits`
  const range = { text, family, first, bits }
  if (hostBits(range) !== 0n) return "the range does not start at this address"
  if (CLOSED.some((closed) => overlaps(closed, range)))
    return "link-local, multicast and unspecified addresses are never reached"
  if (METADATA.some((metadata) => covers(metadata, range))) return "metadata services are never reached"
  return range
}

/** Addresses that are remembered for one list of ranges: whoever is sent to again is not taken apart again. */
const MAX_KNOWN = 1_000

const known = new WeakMap<readonly AddressRange[], Map<string, boolean>>()

/** Whether one of the ranges holds an address that may be reached at all. Text that is no canonical address is in none. */
export function isInRanges(ranges: readonly AddressRange[], text: string): boolean {
  let answers = known.get(ranges)
  if (!answers || answers.size >= MAX_KNOWN) {
    answers = new Map()
    known.set(ranges, answers)
  }
  const found = answers.get(text)
  if (found !== undefined) return found
  const answer = findInRanges(ranges, text)
  answers.set(text, answer)
  return answer
}

function findInRanges(ranges: readonly AddressRange[], text: string): boolean {
  const address = parseAddress(text)
  if (!address) return false
  const here = { text, first: address.value, family: address.family, bits: SIZE[address.family] }
  if ([...CLOSED, ...METADATA].some((never) => covers(never, here)) || carriesAnother(text)) return false
  return ranges.some((range) => covers(range, here))
}

/** NAT64 and 6to4 addresses lead to the IPv4 address inside them: a private one is named in its own form or not at all. */
function carriesAnother(text: string): boolean {
  const [a, b] = parseV6(text) ?? []
  return (a === 0x2002 || (a === 0x64 && b === 0xff9b)) && isPrivateAddress(text)
}

function rangeOf(text: string): AddressRange {
  const [address = "", length] = text.split("/")
  const { family, value: first } = parseAddress(address) as Address
  return { text, family, first, bits: length === undefined ? SIZE[family] : Number(length) }
}

function parseAddress(text: string): Address | undefined {
  const v4 = parseV4(text)
  if (v4 !== undefined) return { family: 4, value: BigInt(v4) }
  const groups = parseV6(text)
  if (!groups) return undefined
  const value = groups.reduce((sum, group) => (sum << 16n) | BigInt(group), 0n)
  return value >> 32n === MAPPED >> 32n ? { family: 4, value: value & 0xffffffffn } : { family: 6, value }
}

const hostBits = ({ family, first, bits }: AddressRange) => first & ((1n << BigInt(SIZE[family] - bits)) - 1n)

function covers(outer: AddressRange, inner: AddressRange): boolean {
  if (outer.family !== inner.family || outer.bits > inner.bits) return false
  const rest = BigInt(SIZE[outer.family] - outer.bits)
  return outer.first >> rest === inner.first >> rest
}

const overlaps = (a: AddressRange, b: AddressRange) => covers(a, b) || covers(b, a)
