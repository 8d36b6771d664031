// A trust store as Java reads it: PKCS #12 (RFC 7292) with certificates alone. They are no secret: nothing is encrypted, and there is no
// password, without which nobody checks a MAC. Java trusts a certificate by an attribute of its own, and by no other sign.
import { rootCertificates } from "node:tls"

const SEQUENCE = 0x30
const SET = 0x31
const OCTETS = 0x04
const INTEGER = 0x02
/** [0], explicit. */
const CONTEXT = 0xa0

const DATA = oid("1.2.840.113549.1.7.1")
const CERT_BAG = oid("1.2.840.113549.1.12.10.1.3")
const X509 = oid("1.2.840.113549.1.9.22.1")
/** Oracle's trustedKeyUsage, with anyExtendedKeyUsage: for whatever it is asked. */
const TRUSTED = der(SET, der(SEQUENCE, oid("2.16.840.1.113894.746875.1.1"), der(SET, oid("2.5.29.37.0"))))

/** Encoded once: the public roots are the same in every store. */
let roots: Buffer | undefined

/** The store's bytes: the public roots that Node.js brings, and `certificate`, PEM. */
export function makeTrustStore(certificate: string): Buffer {
  roots ??= Buffer.concat(rootCertificates.map(bagOf))
  const safe = contentInfo(der(SEQUENCE, roots, bagOf(certificate)))
  return der(SEQUENCE, der(INTEGER, Buffer.of(3)), contentInfo(der(SEQUENCE, safe)))
}

/** A certificate in PEM as a SafeBag. */
function bagOf(pem: string): Buffer {
  const certificate = Buffer.from(pem.replace(/-----[^-]+-----/g, ""), "base64")
  const bag = der(SEQUENCE, X509, der(CONTEXT, der(OCTETS, certificate)))
  return der(SEQUENCE, CERT_BAG, der(CONTEXT, bag), TRUSTED)
}

const contentInfo = (content: Buffer) => der(SEQUENCE, DATA, der(CONTEXT, der(OCTETS, content)))

/** A value with its tag and its length (X.690, section 8.1). */
function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  const size = bytesOf(length)
  return Buffer.concat([Buffer.of(tag, ...(length < 0x80 ? [] : [0x80 + size.length]), ...size), ...parts])
}

function bytesOf(value: number): number[] {
  return value < 0x100 ? [value] : [...bytesOf(value >>> 8), value & 0xff]
}

/** An object identifier (X.690, section 8.19). */
function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number)
  const groups = (value: number): number[] => (value < 0x80 ? [value] : [...groups(value >>> 7), value & 0x7f])
  const bytes = [first * 40 + second, ...rest].flatMap((value) =>
    groups(value).map((group, at, all) => (at < all.length - 1 ? group | 0x80 : group)),
  )
  return der(0x06, Buffer.from(bytes))
}
