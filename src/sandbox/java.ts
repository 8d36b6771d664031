// What leads Java through the gate: it reads no variable but one, with options for every virtual machine, and a trust store of its own kind.
import { join } from "node:path"
import { makeTrustStore } from "./trust-store.ts"
import { IN_BOX } from "./types.ts"

const STORE = "trust.p12"
const DIRECT = "localhost|127.*|[::1]"

/** The variable, and the files below the directory that the box sees. `certificate` is the run's CA, PEM. */
export function javaSettings(certificate: string) {
  return {
    env: { JAVA_TOOL_OPTIONS: toolOptions() },
    files: [
      { path: STORE, text: makeTrustStore(certificate) },
      { path: join("home", ".m2", "settings.xml"), text: mavenSettings() },
    ],
  }
}

function toolOptions(): string {
  const options = {
    ...{ "http.proxyHost": "127.0.0.1", "http.proxyPort": IN_BOX.port },
    ...{ "https.proxyHost": "127.0.0.1", "https.proxyPort": IN_BOX.port },
    "http.nonProxyHosts": DIRECT,
    "javax.net.ssl.trustStore": join(IN_BOX.nanoguard, STORE),
    "javax.net.ssl.trustStoreType": "PKCS12",
  }
  return Object.entries(options)
    .map(([name, value]) => `-D${name}=${value}`)
    .join(" ")
}

/** Maven has an HTTP client of its own since 3.9, which asks for proxies here alone. */
function mavenSettings(): string {
  const proxies = ["http", "https"].map(
    (protocol) =>
      `    <proxy><id>${protocol}</id><protocol>${protocol}</protocol><host>127.0.0.1</host><port>${IN_BOX.port}</port><nonProxyHosts>${DIRECT}</nonProxyHosts></proxy>\n`,
  )
  return `<settings>\n  <proxies>\n${proxies.join("")}  </proxies>\n</settings>\n`
}
