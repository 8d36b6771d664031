// Private addresses that a rule names, and those that no rule can.
import { BlockList, isIPv4 } from "node:net"
import fc from "fast-check"
import { describe, expect, it, test } from "vitest"
import { isInRanges, parseAddressRange } from "../../src/policy/address-ranges.ts"
import type { NetworkAction } from "../../src/policy/types.ts"
import { action, answer, ask } from "./support.ts"

const network = (addresses: string, more = "allow: db.example.com") =>
  `network: [{ id: db, ${more}, ports: [443, 5432], addresses: [${addresses}] }]`
const GET = "GET https://db.example.com/"
const of = (host: string): NetworkAction => ({ ...(action(GET) as NetworkAction), host })

describe("a rule that names private addresses", () => {
  test.each([
    ["10.1.2.3", ["10.1.2.3"], true],
    ["10.1.2.3", ["10.1.2.4"], false],
    ["10.4.0.0/16", ["10.4.255.255"], true],
    ["10.4.0.0/16", ["10.5.0.0"], false],
    ["10.4.0.0/16", ["10.4.0.1", "8.8.8.8"], true],
    ["10.4.0.0/16", ["10.4.0.1", "10.5.0.1"], false],
    ["127.0.0.1", ["127.0.0.1"], true],
    ["127.0.0.1", ["::ffff:127.0.0.1"], true],
    ["127.0.0.1", ["::ffff:7f00:1"], true],
    ['"::ffff:10.0.0.1"', ["10.0.0.1"], true],
    ['"::1"', ["0:0:0:0:0:0:0:1"], true],
    ['"::1"', ["127.0.0.1"], false],
    ['"fd00::/8"', ["fd12:3456::1"], true],
    ['"FD00:0::/8"', ["fd12:3456::1"], true],
    // Metadata services and ways round stay closed in a range that holds them.
    ['"fd00::/8"', ["fd00:ec2::254"], false],
    ["100.64.0.0/10", ["100.64.0.7"], true],
    ["100.64.0.0/10", ["100.100.100.200"], false],
    ["192.0.0.0/24", ["192.0.0.192"], false],
    ["10.0.0.0/8", ["64:ff9b::a00:1"], false],
    ["10.0.0.0/8", ["2002:a00:1::"], false],
    ['"64:ff9b::/96"', ["64:ff9b::a00:1"], false],
    ["10.0.0.0/8", ["169.254.169.254"], false],
    ["10.0.0.0/8", ["fe80::1"], false],
    ["10.0.0.0/8", ["010.0.0.1"], false],
    ["10.0.0.0/8", ["10.0.0.1%eth0"], false],
    ["10.0.0.0/8", ["not an address"], false],
    ["10.0.0.0/8", [""], false],
  ])("%s and a host at %j: %s", (ranges, addresses, passes) => {
    const expected = passes ? "allow network.allowed" : "deny network.private-address"
    expect(answer(network(ranges), GET, { addresses })).toBe(expected)
    expect(answer(`mode: observe\n${network(ranges)}`, GET, { addresses })).toBe(expected)
  })

  it("has to match, and to be in force", () => {
    const addresses = ["10.0.0.1"]
    expect(answer(network("10.0.0.1"), "GET https://other.example.com/", { addresses })).toBe(
      "deny network.private-address",
    )
    expect(answer(network("10.0.0.1"), "GET https://db.example.com:8443/", { addresses })).toBe(
      "deny network.private-address",
    )
    expect(answer(network("10.0.0.1", "ask: db.example.com"), GET, { addresses })).toBe("ask network.approval")
    expect(answer(network("10.0.0.1", "ask: db.example.com, mode: observe"), GET, { addresses })).toBe(
      "deny network.private-address",
    )
    const one = "{ id: a, allow: db.example.com, addresses: [10.0.0.1] }"
    const other = "{ id: b, allow: db.example.com, addresses: [10.0.0.2] }"
    expect(answer(`network: [${one}, ${other}]`, GET, { addresses: ["10.0.0.1", "10.0.0.2"] })).toBe(
      "deny network.private-address",
    )
    expect(answer(`network: [${one}, { id: no, deny: db.example.com }]`, GET, { addresses })).toBe(
      "deny network.host-denied",
    )
  })

  it("reaches hosts that are private themselves, in whatever form they are canonically written", () => {
    const all = 'network: [{ id: all, allow: "**", addresses: [10.0.0.0/8, 127.0.0.1, "::1"] }]'
    expect(answer(all, of("10.1.2.3"))).toBe("allow network.allowed")
    expect(answer(all, of("10.1.2.3"), { addresses: ["10.1.2.3"] })).toBe("allow network.allowed")
    expect(answer(all, of("10.1.2.3"), { addresses: ["192.168.0.1"] })).toBe("deny network.private-address")
    expect(answer(all, of("::1"))).toBe("allow network.allowed")
    for (const host of ["11.0.0.1", "192.168.0.1", "127.1", "0x7f000001", "2130706433", "169.254.169.254", "0.0.0.0"])
      expect(answer(all, of(host)), host).toBe(
        host === "11.0.0.1" ? "allow network.allowed" : "deny network.private-address",
      )
  })

  it("reaches private names by what they resolve to", () => {
    const all = 'network: [{ id: all, allow: "**", addresses: [10.0.0.0/8] }]'
    for (const host of ["db.internal", "localhost", "metadata.google.internal"]) {
      expect(answer(all, of(host), { addresses: ["10.0.0.1"] })).toBe("allow network.allowed")
      expect(answer(all, of(host), { addresses: ["169.254.169.254"] })).toBe("deny network.private-address")
      expect(answer(all, of(host), { addresses: ["10.0.0.1", "127.0.0.1"] })).toBe("deny network.private-address")
      expect(answer(all, of(host), { addresses: [] })).toBe("deny network.private-address")
      // Not resolved yet: decided again once it is.
      expect(answer(all, of(host))).toBe("allow network.allowed")
    }
  })

  it("lets a credential go where the request that carries it may go", () => {
    const policy = "network: [{ id: db, allow: db.example.com, ports: [5432], credential: db, addresses: [10.0.0.1] }]"
    const evidence = { addresses: ["10.0.0.1"] }
    expect(answer(policy, "credential:db GET https://db.example.com:5432/", evidence)).toBe("allow credential.allowed")
    expect(answer(policy, "credential:db GET https://db.example.com/", evidence)).toBe("deny network.private-address")
    expect(answer(policy, "credential:db GET https://db.example.com/")).toBe("deny credential.denied")
    expect(answer(policy, "credential:db GET https://db.example.com:5432/", { addresses: ["10.0.0.2"] })).toBe(
      "deny network.private-address",
    )
    expect(ask(policy, "credential:db GET https://db.example.com:5432/").subject).toBe(
      "credential:db GET db.example.com:5432/",
    )
  })

  it("says which ports a credential's own rule is about", () => {
    const policy = "credentials: [{ id: k, allow: key, hosts: [a.example.com], ports: [443, 8443] }]"
    expect(answer(policy, "credential:key GET https://a.example.com/")).toBe("allow credential.allowed")
    expect(answer(policy, "credential:key GET https://a.example.com:8443/")).toBe("allow credential.allowed")
    expect(answer(policy, "credential:key GET https://a.example.com:444/")).toBe("deny credential.denied")
  })
})

describe("ranges", () => {
  it("hold what the platform's own block list holds", () => {
    const v4 = fc.tuple(fc.constantFrom("10", "172.16", "192.168", "127"), fc.ipV4(), fc.integer({ min: 8, max: 32 }))
    fc.assert(
      fc.property(v4, fc.ipV4(), fc.boolean(), ([start, rest, bits], other, near) => {
        const lead = start.split(".")
        const full = [...lead, ...rest.split(".").slice(lead.length)]
        const value = full.reduce((sum, part) => sum * 256 + Number(part), 0)
        const size = 2 ** (32 - bits)
        const dotted = (number: number) =>
          [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join(".")
        const first = dotted(Math.floor(value / size) * size)
        const list = new BlockList()
        list.addSubnet(first, bits, "ipv4")
        const range = parseAddressRange(`${first}/${bits}`)
        if (typeof range === "string") throw new Error(range)
        const address = near ? dotted(value ^ 1) : other
        fc.pre(isIPv4(address) && !/^(?:0|169\.254|22[4-9]|23\d|255)\./.test(address) && address !== "192.0.0.192")
        fc.pre(!["100.100.100.200", "168.63.129.16"].includes(address))
        expect(isInRanges([range], address)).toBe(list.check(address, "ipv4"))
      }),
    )
    const v6 = fc.tuple(fc.ipV6(), fc.integer({ min: 16, max: 128 }))
    fc.assert(
      fc.property(v6, fc.ipV6(), ([text, bits], other) => {
        const range = parseAddressRange(`${text}/${bits}`)
        if (typeof range === "string") return
        const list = new BlockList()
        list.addSubnet(text, bits, "ipv6")
        if (isInRanges([range], other)) expect(list.check(other, "ipv6")).toBe(true)
        if (isInRanges([range], text)) expect(list.check(text, "ipv6")).toBe(true)
      }),
    )
  })
})
