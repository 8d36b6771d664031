import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { npmProtocol } from "../../../../src/gateway/protocols/npm/index.ts"
import { isNpmName } from "../../../../src/packages/registries/npm.ts"
import { isValidVersion } from "../../../../src/packages/versions.ts"

const read = (path: string, { method = "GET", accept = "application/json", query = "" } = {}) =>
  npmProtocol.read({ method, path, query, accept })

const CORGI = "application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*"

describe("listings", () => {
  it.each([
    ["/axios", "axios"],
    ["/@scope%2fname", "@scope/name"],
    ["/@scope%2Fname", "@scope/name"],
    ["/%40scope%2fname", "@scope/name"],
    ["/@scope/name", "@scope/name"],
    ["/JSONStream", "JSONStream"],
    ["/npm", "npm"],
    ["/a.b_c~d", "a.b_c~d"],
  ])("%s is all of %s", (path, name) => {
    expect(read(path)).toEqual({ kind: "listing", name, form: "full" })
    expect(read(path, { accept: CORGI, method: "HEAD" })).toEqual({ kind: "listing", name, form: "abbreviated" })
  })

  it("has the tags alone", () => {
    const form = "dist-tags"
    expect(read("/-/package/axios/dist-tags")).toEqual({ kind: "listing", name: "axios", form })
    expect(read("/-/package/@scope%2fname/dist-tags")).toEqual({ kind: "listing", name: "@scope/name", form })
    expect(read("/-/package/axios/dist-tags/latest", { method: "PUT" })).toMatchObject({
      kind: "unsupported",
      what: "tags",
    })
  })
})

describe("one version", () => {
  it.each([
    ["/axios/1.6.8", "axios", "1.6.8"],
    ["/axios/latest", "axios", "latest"],
    ["/@scope%2fname/1.0.0-rc.1", "@scope/name", "1.0.0-rc.1"],
    ["/@scope/name/next", "@scope/name", "next"],
    ["/axios/1.0.0+build.5", "axios", "1.0.0+build.5"],
    ["/axios/1.0.0%2Bbuild.5", "axios", "1.0.0+build.5"],
  ])("%s", (path, name, version) => {
    expect(read(path)).toEqual({ kind: "release", name, version, form: "full" })
  })
})

describe("archives", () => {
  it.each([
    ["/axios/-/axios-1.6.8.tgz", "axios", "1.6.8"],
    ["/@scope/name/-/name-1.0.0.tgz", "@scope/name", "1.0.0"],
    ["/@scope%2fname/-/name-1.0.0-beta.2.tgz", "@scope/name", "1.0.0-beta.2"],
    ["/@scope/name/-/@scope/name-1.0.0.tgz", "@scope/name", "1.0.0"],
    ["/left-pad/-/left-pad-1.0.0%2b7.tgz", "left-pad", "1.0.0+7"],
    ["/npm/-/npm-11.0.0.tgz", "npm", "11.0.0"],
    ["/-/blocked/malware.known/use-1.6.7/axios/1.6.8/axios-1.6.8.tgz", "axios", "1.6.8"],
    ["/-/blocked/malware.known/held-back/@scope/name/1.0.0/name-1.0.0.tgz", "@scope/name", "1.0.0"],
    ["/-/blocked/x/use-1.0.0%2B2/axios/1.0.0%2B1/axios-1.0.0%2B1.tgz", "axios", "1.0.0+1"],
  ])("%s", (path, name, version) => {
    const file = `${name.replace(/^.*\//, "")}-${version}.tgz`
    expect(read(path)).toEqual({ kind: "artifact", name, version, file })
    expect(read(path, { method: "POST" })).toBeUndefined()
  })

  it.each([
    "/axios/-/other-1.6.8.tgz",
    "/axios/-/axios-1.6.8.tar.gz",
    "/axios/-/axios-1.6.tgz",
    "/axios/-/axios-v1.6.8.tgz",
    "/axios/-/axios-01.6.8.tgz",
    "/@scope/name/-/@other/name-1.0.0.tgz",
    "/@scope/name/-/scope-name-1.0.0.tgz",
    "/-/blocked/malware.known/use-1.6.7/axios/1.6.8/axios-1.6.7.tgz",
    "/-/blocked/malware.known/axios/1.6.8/axios-1.6.8.tgz",
    "/-/blocked/malware.known/use-1.6.7/axios/1.6.8",
  ])("%s is none", (path) => expect(read(path)).toBeUndefined())
})

describe("services", () => {
  it.each([
    ["GET", "/-/ping", "ping"],
    ["POST", "/-/npm/v1/security/advisories/bulk", "advisories"],
    ["GET", "/-/npm/v1/keys", "keys"],
  ])("%s %s", (method, path, service) => expect(read(path, { method })).toEqual({ kind: "service", service }))

  it.each([
    ["/-/npm/v1/attestations/axios@1.6.8", "axios@1.6.8"],
    ["/-/npm/v1/attestations/@scope%2fname@1.0.0", "@scope/name@1.0.0"],
    ["/-/npm/v1/attestations/@scope/name@1.0.0", "@scope/name@1.0.0"],
    ["/-/npm/v1/attestations/%40scope%2fname%401.0.0", "@scope/name@1.0.0"],
    ["/npm/-/npm/v1/attestations/axios@1.6.8", "axios@1.6.8"],
  ])("%s", (path, rest) => expect(read(path)).toEqual({ kind: "service", service: "attestations", rest }))

  it.each([
    ["/-/npm/v1/attestations/axios", "GET"],
    ["/-/npm/v1/attestations/@1.0.0", "GET"],
    ["/-/npm/v1/attestations/axios@latest", "GET"],
    ["/-/npm/v1/attestations/a/b@1.0.0", "GET"],
    ["/-/npm/v1/security/advisories/bulk", "GET"],
    ["/-/ping", "POST"],
    ["/-/nothing", "GET"],
    ["/-", "GET"],
  ])("%s %s is unknown", (path, method) => expect(read(path, { method })).toBeUndefined())

  it.each([
    ["GET", "/-/v1/search", "search"],
    ["GET", "/-/whoami", "whoami"],
    ["POST", "/-/v1/login", "login"],
    ["PUT", "/-/user/org.couchdb.user:ana", "login"],
    ["GET", "/-/npm/v1/tokens", "tokens"],
    ["POST", "/-/npm/v1/security/audits/quick", "audit"],
    ["POST", "/-/npm/v1/security/audits", "audit"],
    ["GET", "/-/_view/starredByUser", "stars"],
    ["GET", "/-/package/axios/access", "access"],
    ["PUT", "/axios", "publish"],
    ["PUT", "/@scope%2fname", "publish"],
    ["PUT", "/axios/-rev/1-a", "publish"],
    ["DELETE", "/axios/-/axios-1.6.8.tgz/-rev/1-a", "publish"],
  ])("%s %s is refused politely", (method, path, what) => {
    const request = read(path, { method })
    expect(request).toMatchObject({ kind: "unsupported", what })
    // One sentence or two, to stand in an error line.
    expect(request).toHaveProperty("hint", expect.stringMatching(/^[A-Z][ -~]{10,200}\.$/))
  })
})

describe("tricks", () => {
  it.each([
    "",
    "/",
    "axios",
    "//axios",
    "/axios/",
    "/axios//1.0.0",
    "/./axios",
    "/../axios",
    "/axios/..",
    "/axios/../left-pad",
    "/.axios",
    "/axios/-/../left-pad-1.0.0.tgz",
    "/%61xios",
    "/axios%2f1.0.0",
    "/axios%2f-%2faxios-1.6.8.tgz",
    "/@scope%252fname",
    "/@scope%2f%2fname",
    "/@scope%2f..",
    "/@scope%2fname%2fmore",
    "/@scope",
    "/@/name",
    "/@scope/",
    "/%2e%2e/axios",
    "/axios%00",
    "/axios%0d%0aset-cookie:x",
    "/axios\\1.0.0",
    "/axios%5c1.0.0",
    "/ax\u0000ios",
    "/ax ios",
    "/axios?x",
    "/axios#x",
    "/axi\u043es",
    "/\uff41xios",
    "/axios/\u200b1.0.0",
    "/axios/1.0.0%20",
    "/axios/^1.0.0",
    "/axios/__proto__",
    `/${"a".repeat(215)}`,
    `/axios/1.0.0-${"a".repeat(300)}`,
    `/axios/${"1".repeat(20)}.0.0`,
    `/${"a/".repeat(2000)}a`,
  ])("%j is nothing", (path) => expect(read(path)).toBeUndefined())

  it.each(["POST", "PATCH", "OPTIONS", "TRACE", "CONNECT", "get", ""])("%s is no method to read with", (method) =>
    expect(read("/axios", { method })).toBeUndefined(),
  )
})

const words = fc.constantFrom(
  ..."/ // - -/ @ @s %2f %2F %40 %252f .. . ... a axios 1.0.0 1.0.0-rc.1 +b %2b .tgz axios-1.0.0.tgz blocked package dist-tags".split(
    " ",
  ),
  ...["npm/v1/", "attestations/", "latest", "\\", "\0", "%00", "%", "é", "🙂", "\ud800", "__proto__", " ", "~", ":"],
)

describe("any request", () => {
  it("is read without an exception, into valid names and versions, which say the same when they are spelled again", () => {
    const paths = fc.oneof(
      fc.array(words, { maxLength: 12 }).map((parts) => `/${parts.join("")}`),
      fc.array(words, { maxLength: 8 }).map((parts) => `/${parts.join("/")}`),
      fc.string({ unit: "binary", maxLength: 60 }),
    )
    const methods = fc.constantFrom("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH")
    fc.assert(
      fc.property(paths, methods, fc.string(), fc.string(), (path, method, query, accept) => {
        const request = npmProtocol.read({ method, path, query, accept })
        if (request === undefined || request.kind === "unsupported") return
        if (request.kind === "service") {
          const at = request.rest?.lastIndexOf("@") ?? -1
          if (request.rest === undefined) return
          expect(isNpmName(request.rest.slice(0, at))).toBe(true)
          expect(isValidVersion("npm", request.rest.slice(at + 1))).toBe(true)
          return
        }
        expect(isNpmName(request.name)).toBe(true)
        const escaped = request.name.replace("/", "%2f")
        if (request.kind === "listing") {
          if (request.form !== "dist-tags") expect(read(`/${escaped}`, { accept })).toEqual(request)
          return
        }
        expect(isValidVersion("npm", request.version) || /^[A-Za-z][\w.-]*$/.test(request.version)).toBe(true)
        if (request.kind === "release") return
        expect(isValidVersion("npm", request.version)).toBe(true)
        expect(read(`/${escaped}/-/${request.file}`)).toEqual(request)
      }),
      { numRuns: 3000 },
    )
  })
})
