// The trust store for Java, read by another reader of its format; Java itself reads it in test/long/sandbox/java.test.ts.
import { execFileSync, spawnSync } from "node:child_process"
import { X509Certificate } from "node:crypto"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { rootCertificates } from "node:tls"
import { expect, test } from "vitest"
import { openCa } from "../../src/gateway/egress/ca.ts"
import { makeTrustStore } from "../../src/sandbox/trust-store.ts"
import { temporaryDirectory } from "../context.ts"

test("openssl finds every certificate in it, and no other run's", async (ctx) => {
  if (spawnSync("openssl", ["version"]).status !== 0) ctx.skip("openssl is missing: apt-get install openssl")
  const file = join(temporaryDirectory(), "trust.p12")
  for (const run of ["run-1", "run-2"]) {
    const { certificate } = await openCa(run)
    writeFileSync(file, makeTrustStore(certificate))
    const words = ["pkcs12", "-in", file, "-nokeys", "-nomacver", "-passin", "pass:"]
    const text = execFileSync("openssl", words, { encoding: "utf8" })
    const found = text.match(/-----BEGIN[^-]+-----[^-]+-----END CERTIFICATE-----/g) ?? []
    const fingerprints = (all: readonly string[]) => all.map((one) => new X509Certificate(one).fingerprint256)
    expect(fingerprints(found)).toEqual(fingerprints([...rootCertificates, certificate]))
  }
})
