// Java in a box: it is led through the gate and believes the run's authority, with nothing set by anybody. Keytool is a client of HTTPS
// that every Java has; Maven has one of its own.
import { afterAll, beforeAll, expect, it } from "vitest"
import { useEngine } from "../../sandbox/engines.ts"
import { canRun } from "../python-tools.ts"
import { type BoxLab, openBoxLab } from "./lab.ts"

const HOST = "repo.example.com"
/** A parent POM is fetched before any plugin is. */
const pom = (parent: string) => `<project>
  <modelVersion>4.0.0</modelVersion>
  <parent><groupId>com.example</groupId><artifactId>${parent}</artifactId><version>1.0.0</version><relativePath/></parent>
  <artifactId>project</artifactId><packaging>pom</packaging>
  <repositories><repository><id>own</id><url>${lab.at(HOST)}/maven</url></repository></repositories>
</project>
`

let lab: BoxLab
beforeAll(async () => {
  lab = await openBoxLab({
    policy: (port) => `network:
  - { id: repository, allow: ${HOST}, ports: [${port}], addresses: [127.0.0.1], access: read }
  - { id: kept, deny: ${HOST}, ports: [${port}], paths: ["/maven/com/example/kept/**", "/kept.crl"] }
`,
  })
  lab.origin.host(HOST, ({ url = "" }, response) => {
    const name = /^\/maven\/com\/example\/(\w+)\/1\.0\.0\/\w+-1\.0\.0\.pom$/.exec(url)?.[1]
    if (name === undefined) return void response.writeHead(url === "/list.crl" ? 200 : 404).end("no list of anything\n")
    response.end(`<project><modelVersion>4.0.0</modelVersion><groupId>com.example</groupId>
      <artifactId>${name}</artifactId><version>1.0.0</version><packaging>pom</packaging></project>`)
  })
})
afterAll(() => lab?.close())

it("keytool reads an address behind the gate, is refused another, and lists what is trusted", async (ctx) => {
  await useEngine(ctx, "bubblewrap")
  if (!(await canRun("keytool", ["-help"]))) ctx.skip("Java is missing: apt-get install default-jre-headless")
  const from = lab.origin.asked.length
  const script = `for path in list kept; do keytool -printcrl -file ${lab.at(HOST)}/$path.crl; done
    keytool -list -keystore /run/nanoguard/trust.p12 </dev/null | grep -c trustedCertEntry
    grep -c BEGIN /run/nanoguard/roots.pem; java -version`
  const { exit, terminal } = await lab.run("bubblewrap", lab.workspace("keytool"), ["sh", "-c", script])
  expect(exit, terminal).toBe(0)
  expect(terminal).toContain("Picked up JAVA_TOOL_OPTIONS")
  expect(terminal).not.toContain("SSLHandshakeException")
  // What came is no list, which keytool says in its own words.
  expect(terminal).toMatch(/response code: 403 for URL: \S+\/kept\.crl/)
  expect(terminal).not.toMatch(/\S+\/list\.crl/)
  expect(lab.origin.asked.slice(from).map(({ url }) => url)).toEqual(["/list.crl"])
  const [trusted, bundled] = [...terminal.matchAll(/^(\d+)\r?$/gm)].map(([, count]) => Number(count))
  expect(trusted).toBeGreaterThan(100)
  expect(trusted).toBe(bundled)
})

it("Maven resolves what policy allows, and says what it does not", async (ctx) => {
  await useEngine(ctx, "bubblewrap")
  if (!(await canRun("mvn", ["--version"]))) ctx.skip("Maven is missing: apt-get install maven")
  const workspace = lab.workspace("maven", { "free/pom.xml": pom("free"), "kept/pom.xml": pom("kept") })
  const script = "for name in free kept; do mvn -B -f $name/pom.xml validate; echo $name: $?; done"
  const { exit, terminal } = await lab.run("bubblewrap", workspace, ["sh", "-c", script])
  expect(exit, terminal).toBe(0)
  expect(terminal).toMatch(/free: 0\r?$/m)
  expect(terminal).toMatch(/kept: 1\r?$/m)
  expect(terminal).toMatch(/com\.example:kept:pom:1\.0\.0[^\n]*403[^\n]*network\.host-denied/)
})
