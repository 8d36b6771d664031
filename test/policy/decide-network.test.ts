import { isIP } from "node:net"
import fc from "fast-check"
import { describe, expect, it, test } from "vitest"
import { isPrivateAddress, isPrivateHost, parseV4, parseV6 } from "../../src/policy/addresses.ts"
import { compileGlob, isNormalPath } from "../../src/policy/glob.ts"
import { canonicalHost, matchesHost, parseHostPattern } from "../../src/policy/hosts.ts"
import type { NetworkAction } from "../../src/policy/types.ts"
import { action, answer, ask } from "./support.ts"

describe("requests", () => {
  const policy = `
network:
  - { id: one-label, allow: "*.one.example" }
  - { id: any-depth, allow: "**.deep.example" }
  - { id: apex, allow: Apex.Example. }
  - { id: idn, allow: bücher.example }
  - { id: read, allow: api.example, methods: [GET, HEAD] }
  - { id: write, ask: api.example, methods: [POST], approvers: team }
  - { id: secret, deny: api.example, paths: [/admin/**, /users/*/keys] }
  - { id: odd-port, allow: port.example, ports: [8443] }
  - { id: address, allow: 93.184.216.34 }
approvers: { team: { people: [ana@acme.example] } }
`
  test.each([
    ["GET https://a.one.example/", "allow network.allowed"],
    ["GET https://one.example/", "deny network.host-denied"],
    ["GET https://a.b.one.example/", "deny network.host-denied"],
    ["GET https://a.deep.example/", "allow network.allowed"],
    ["GET https://a.b.c.deep.example/", "allow network.allowed"],
    ["GET https://deep.example/", "deny network.host-denied"],
    ["GET https://notdeep.example/", "deny network.host-denied"],
    ["GET https://apex.example/", "allow network.allowed"],
    ["GET https://xn--bcher-kva.example/", "allow network.allowed"],
    ["GET https://api.example/users", "allow network.allowed"],
    ["PUT https://api.example/users", "deny network.host-denied"],
    ["POST https://api.example/users", "ask network.approval"],
    ["POST https://api.example/admin", "deny network.host-denied"],
    ["GET https://api.example/admin/x/y", "deny network.host-denied"],
    ["GET https://api.example/users/7/keys", "deny network.host-denied"],
    ["GET https://api.example/users/7/8/keys", "allow network.allowed"],
    ["GET https://api.example:8443/users", "deny network.host-denied"],
    ["GET http://api.example/users", "deny network.host-denied"],
    ["POST https://api.example:9999/users", "ask network.approval"],
    ["GET https://port.example:8443/", "allow network.allowed"],
    ["GET https://port.example/", "deny network.host-denied"],
    ["GET https://93.184.216.34/", "allow network.allowed"],
    ["GET https://elsewhere.example/", "deny network.host-denied"],
  ])("%s gives %s", (request, expected) => {
    expect(answer(policy, request)).toBe(expected)
  })

  it.each([
    "/x/../admin/y",
    "/x/%2e%2e/admin/y",
    "//admin/y",
    "/%61dmin/y",
    "/x\\..\\admin",
    "/x/./y",
    "/adm%69n",
    "/a%2fb",
    "admin",
    "/a;b/c",
  ])("a path out of normal form (%s) meets every path that is denied and none that is allowed", (path) => {
    const request: NetworkAction = { ...(action("GET https://api.example/") as NetworkAction), path }
    expect(answer(policy, request)).toBe("deny network.host-denied")
    expect(answer("network: [{ id: a, allow: api.example, paths: [/**] }]", request)).toBe("deny network.host-denied")
  })

  it("names the rule of a default, the subject and the approval", () => {
    expect(ask("", "GET https://x.example:8443/a?b=c#d")).toMatchObject({
      effect: "deny",
      rule: "network.default (built-in)",
      subject: "GET https://x.example:8443/a",
      reason: "No rule allows this request, or one denies it.",
    })
  })

  it("denies once the budget of a matching rule is used up", () => {
    const budget = "network: [{ id: model, allow: api.example, budget: { tokens: 2k/day, requests: 10/hour } }]"
    expect(
      answer(budget, "GET https://api.example/", { counters: { "model/tokens": 1999, "model/requests": 9 } }),
    ).toBe("allow network.allowed")
    const verdict = ask(budget, "GET https://api.example/", { counters: { "model/tokens": 2000 } })
    expect(verdict).toMatchObject({
      effect: "deny",
      code: "budget.exceeded",
      rule: "model.budget.tokens (nanoguard.yaml:2:62)",
    })
    expect(verdict.reason).toBe("The budget of the rule is used up: 2000 of 2000 tokens.")
    expect(answer(budget, "GET https://api.example/", { counters: { "model/requests": Number.NaN } })).toBe(
      "deny budget.exceeded",
    )
  })
})

describe("the floor of addresses", () => {
  const open = 'mode: observe\nnetwork: [{ id: all, allow: "**", ports: [80, 443] }]'
  test.each([
    "10.1.2.3",
    "127.0.0.1",
    "169.254.169.254",
    "172.31.0.1",
    "192.168.0.1",
    "100.64.0.1",
    "0.0.0.0",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "168.63.129.16",
    "100.100.100.200",
    "::",
    "::1",
    "::ffff:10.0.0.1",
    "::ffff:a9fe:a9fe",
    "64:ff9b::a00:1",
    "64:ff9b:1::1",
    "2002:a00:1::",
    "2002:7f00:1::1",
    "2001::1",
    "2001:db8::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "ff02::1",
    "::127.0.0.1",
    "3fff::1",
    "5f00::1",
    "not an address",
    "",
  ])("refuses what resolves to %s", (address) => {
    expect(ask(open, "GET https://api.example/", { addresses: ["93.184.216.34", address] })).toMatchObject({
      effect: "deny",
      code: "network.private-address",
      mode: "enforce",
    })
  })
  test.each([
    "93.184.216.34",
    "8.8.8.8",
    "172.32.0.1",
    "100.128.0.1",
    "2606:4700::1111",
    "64:ff9b::808:808",
    "2002:808:808::1",
    "::ffff:8.8.8.8",
    "2a00:1450::1",
  ])("lets %s pass", (address) => {
    expect(answer(open, "GET https://api.example/", { addresses: [address] })).toBe("allow network.allowed")
  })
  test.each([
    "localhost",
    "app.localhost",
    "metadata.google.internal",
    "metadata",
    "printer.local",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "010.0.0.1",
    "127.0.0.1.",
    "1.2.3.4.5",
    "169.254.169.254",
    "[::1]",
    "::1",
  ])("refuses the host %s", (host) => {
    const request: NetworkAction = { ...(action("GET https://api.example/") as NetworkAction), host }
    expect(answer(open, request)).toBe("deny network.private-address")
    expect(isPrivateHost(host)).toBe(true)
  })

  it("reads addresses as the platform does", () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), fc.stringMatching(/^[0-9a-f:.]{0,20}$/)), (text) => {
        expect(parseV4(text) !== undefined ? 4 : parseV6(text) !== undefined ? 6 : 0).toBe(isIP(text))
        expect(typeof isPrivateAddress(text)).toBe("boolean")
      }),
    )
  })
})

describe("host patterns", () => {
  test.each([
    "*",
    "a.*.example",
    "api-*.example",
    "https://api.example",
    "api.example/x",
    "api.example:443",
    "",
    "**.",
    "*.1.2.3.4",
    "a..b",
    "-",
    "%2a.example",
    "user@host.example",
  ])("%j is none", (text) => {
    expect(parseHostPattern(text)).toBeUndefined()
  })
  test.each([
    ["API.Example.", "api.example"],
    ["[2001:DB8:0::1]", "2001:db8::1"],
    ["faß.example", "xn--fa-hia.example"],
  ])("%s is canonically %s", (text, host) => {
    expect(canonicalHost(text)).toBe(host)
  })

  const label = fc.stringMatching(/^[a-z][a-z0-9]{0,4}$/)
  it("match by whole labels", () => {
    fc.assert(
      fc.property(
        fc.array(label, { minLength: 1, maxLength: 3 }),
        fc.array(label, { maxLength: 3 }),
        (suffix, front) => {
          const host = [...front, ...suffix].join(".")
          const end = suffix.join(".")
          expect(matchesHost(parseHostPattern(`*.${end}`)!, host)).toBe(front.length === 1)
          expect(matchesHost(parseHostPattern(`**.${end}`)!, host)).toBe(front.length > 0)
          expect(matchesHost(parseHostPattern(end)!, host)).toBe(front.length === 0)
        },
      ),
    )
  })
})

describe("path patterns", () => {
  test.each([
    ["/a/*", "/a/b", true],
    ["/a/*", "/a/b/c", false],
    ["/a/*", "/a/", true],
    ["/a/**", "/a", true],
    ["/a/**", "/a/b/c", true],
    ["/a/**", "/ab", false],
    ["/**/c", "/a/b/c", true],
    ["/**/c", "/c", true],
    ["/a/**/b/**/c", "/a/x/b/y/z/c", true],
    ["/a/**/b/**/c", "/a/x/y/z/c", false],
    ["/v*/x-*.json", "/v1/x-y.json", true],
    ["/v*/x-*.json", "/v1/x-y.jso", false],
    ["/a*a", "/a", false],
    ["/a*a", "/aa", true],
    ["**/.ssh/**", "/home/ana/.ssh/id", true],
  ])("%s on %s: %s", (pattern, path, expected) => {
    expect(compileGlob(pattern)?.test(path)).toBe(expected)
  })

  it("agree with a regular expression written from their definition", () => {
    const piece = fc.constantFrom("a", "b", "*", "**", "a*", "*b", "ab")
    fc.assert(
      fc.property(
        fc.array(piece, { minLength: 1, maxLength: 5 }),
        fc.array(fc.constantFrom("a", "b", "ab", "ba", ""), { maxLength: 6 }),
        (pattern, path) => {
          const parts = pattern.map((segment) =>
            segment === "**" ? "(?:/[^/]*)*" : `/${segment.replaceAll("*", "[^/]*")}`,
          )
          const text = `/${path.join("/")}`
          if (path.length === 0) return
          expect(compileGlob(`/${pattern.join("/")}`)?.test(text)).toBe(new RegExp(`^${parts.join("")}$`).test(text))
        },
      ),
      { numRuns: 2000 },
    )
  })

  it("take no time to fail", () => {
    const pattern = compileGlob(`/${Array.from({ length: 30 }, () => "**/a*a*a*b").join("/")}`)
    expect(pattern?.test(`/${"aaaaaaaaaaaaaaaaaaaa/".repeat(300)}`)).toBe(false)
  })

  it("hold paths in normal form for normal", () => {
    expect(["/", "/a/b.c", "/a%20b", "/a%C3%A9", "/~x/y_z-1", "/a..b/...c"].map(isNormalPath)).toEqual([
      true,
      true,
      true,
      true,
      true,
      true,
    ])
  })
})
