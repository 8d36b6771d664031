// What a process is told so that its requests go through the gate. Which programs heed it: test/long/egress.
import { rootCertificates } from "node:tls"
import { expect, test } from "vitest"
import { egressSettings } from "../../src/gateway/egress-settings.ts"

const settings = egressSettings({
  ...{ base: "http://127.0.0.1:8471", token: "tok", certificate: "PEM\n", directory: "/run/one" },
  placeholders: [{ credential: "service", value: "made-up", names: ["SERVICE_KEY", "OTHER_KEY"] }],
})

test("the proxy is named in both spellings, with the token, and the gate itself is asked directly", () => {
  const { env } = settings
  for (const name of ["https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY"]) {
    expect(env[name]).toBe("http://nanoguard:tok@127.0.0.1:8471")
  }
  expect(env["GIT_HTTP_PROXY_AUTHMETHOD"]).toBe("basic")
  expect([env["all_proxy"], env["no_proxy"], env["NO_PROXY"]]).toEqual(["", "127.0.0.1", "127.0.0.1"])
})

test("files that programs trust hold the run's authority, and beside it the public ones where they replace them", () => {
  const files = new Map(settings.files.map(({ path, text }) => [path, text]))
  expect(files.get(settings.env["NODE_EXTRA_CA_CERTS"]!)).toBe("PEM\n")
  for (const name of ["SSL_CERT_FILE", "GIT_SSL_CAINFO", "REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE"]) {
    const text = files.get(settings.env[name]!)!
    expect(text.endsWith("\nPEM\n")).toBe(true)
    expect(text).toContain(rootCertificates[0])
  }
  // Wget has no variable of its own for it.
  expect(files.get(settings.env["WGETRC"]!)).toBe(`ca_certificate = ${settings.env["SSL_CERT_FILE"]}\n`)
})

test("placeholders are in every variable that programs look in", () => {
  expect(settings.env).toMatchObject({ SERVICE_KEY: "made-up", OTHER_KEY: "made-up" })
})

test("AWS's programs get key id and secret each by itself", () => {
  const value = "AKIAABCDEFGHIJKLMNOP:abcdefghijklmnopqrstuvwxyz0123456789+/ab"
  const { env } = egressSettings({
    ...{ base: "http://127.0.0.1:8471", token: "tok", certificate: "PEM\n", directory: "/run/one" },
    placeholders: [{ credential: "aws", value, names: [] }],
  })
  expect(`${env["AWS_ACCESS_KEY_ID"]}:${env["AWS_SECRET_ACCESS_KEY"]}`).toBe(value)
  expect(settings.env).not.toHaveProperty("AWS_ACCESS_KEY_ID")
})
