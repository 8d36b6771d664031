// `npm audit` and `npm audit fix` of every npm behind npm's protocol as the gate speaks it: they say what our own advisories say.
import { execFile } from "node:child_process"
import { generateKeyPairSync } from "node:crypto"
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { join } from "node:path"
import { describe, expect, it, type TestContext } from "vitest"
import { temporaryDirectory, writeFiles } from "../context.ts"
import { startFront } from "../gateway/protocols/npm/front.ts"
import { tool } from "../tools.ts"

const PACKAGES = {
  foo: [{ version: "1.0.0" }, { version: "1.1.0" }, { version: "1.2.0" }, { version: "2.0.0" }],
  bar: [{ version: "1.0.0", dependencies: { foo: "^1.0.0" } }],
  evil: [{ version: "1.0.0" }],
}
const ADVISORIES = {
  foo: [
    {
      id: "GHSA-2222-3333-4444",
      kind: "vulnerability" as const,
      severity: "medium" as const,
      cvss: 5.3,
      ranges: [{ introduced: "1.0.0", fixed: "1.2.0" }],
    },
    { id: "CVE-2026-1234", kind: "vulnerability" as const, severity: "critical" as const, versions: ["0.9.0"] },
  ],
  evil: [{ id: "MAL-2026-1", kind: "malware" as const, ranges: [{ introduced: "0" }] }],
}

interface Report {
  vulnerabilities: Record<
    string,
    { severity: string; isDirect: boolean; via: unknown[]; range: string; fixAvailable: unknown }
  >
}

async function start(ctx: TestContext, name: string) {
  const program = tool(ctx, name).program("npm")
  const front = await startFront({ packages: PACKAGES, advisories: ADVISORIES })
  const cwd = temporaryDirectory()
  const lock = (version: string, dependencies = {}) => ({ version, resolved: "", integrity: "", dependencies })
  const entries: Record<string, unknown> = {
    "": { name: "app", version: "1.0.0", dependencies: { bar: "^1.0.0", evil: "^1.0.0", foo: "^1.0.0" } },
    "node_modules/bar": lock("1.0.0", { foo: "^1.0.0" }),
    "node_modules/evil": lock("1.0.0"),
    "node_modules/foo": lock("1.1.0"),
  }
  writeFiles(cwd, {
    "package.json": JSON.stringify(entries[""]),
    "package-lock.json": JSON.stringify({
      name: "app",
      version: "1.0.0",
      lockfileVersion: 3,
      requires: true,
      packages: entries,
    }),
    ".npmrc": `registry=${front.registry}/\nupdate-notifier=false\nfund=false\n`,
  })
  const env = { PATH: process.env["PATH"], HOME: cwd, npm_config_cache: join(cwd, ".cache") }
  const npm = (...args: string[]) =>
    new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) => {
      const child = execFile(program, args, { cwd, env, encoding: "utf8" }, (_error, stdout, stderr) =>
        resolve({ code: child.exitCode, stdout, stderr }),
      )
    })
  return { npm, cwd, front }
}

describe.each(["npm-10", "npm-11", "npm-12"])("%s", (name) => {
  it("audits a lockfile by our own advisories, and mends it", async (ctx) => {
    const { npm, cwd, front } = await start(ctx, name)

    const audit = await npm("audit", "--json", "--package-lock-only")
    expect(audit.code).toBe(1)
    const { vulnerabilities } = JSON.parse(audit.stdout) as Report
    expect(Object.keys(vulnerabilities).sort()).toEqual(["evil", "foo"])
    expect(vulnerabilities["foo"]).toMatchObject({
      severity: "moderate",
      range: "<=1.1.0",
      fixAvailable: true,
      via: [
        {
          name: "foo",
          title: "Known vulnerability in foo (GHSA-2222-3333-4444)",
          url: "https://github.com/advisories/GHSA-2222-3333-4444",
          severity: "moderate",
          cvss: { score: 5.3, vectorString: null },
          range: ">=1.0.0 <1.2.0",
        },
      ],
    })
    expect(vulnerabilities["evil"]).toMatchObject({ severity: "critical", range: "*", fixAvailable: false })

    const text = await npm("audit", "--package-lock-only")
    expect(text.stdout).toContain("Known malware in evil (MAL-2026-1)")
    expect(text.stdout).toContain("https://github.com/advisories/GHSA-2222-3333-4444")

    await npm("audit", "fix", "--package-lock-only")
    const lock = JSON.parse(readFileSync(join(cwd, "package-lock.json"), "utf8"))
    expect(lock.packages["node_modules/foo"].version).toBe("1.2.0")
    // Every question was answered by the endpoint that npm asks first.
    expect(front.paths().filter((path) => path.startsWith("POST"))).toEqual(
      front.answers.map(() => "POST /npm/-/npm/v1/security/advisories/bulk"),
    )
  })

  it("says that nothing is wrong with a tree that has no advisories", async (ctx) => {
    const { npm, cwd } = await start(ctx, name)
    const manifest = { name: "app", version: "1.0.0", dependencies: { foo: "2.0.0" } }
    const packages = { "": manifest, "node_modules/foo": { version: "2.0.0" } }
    writeFiles(cwd, {
      "package.json": JSON.stringify(manifest),
      "package-lock.json": JSON.stringify({ ...manifest, lockfileVersion: 3, packages }),
    })
    const { code, stdout } = await npm("audit", "--package-lock-only")
    expect(stdout).toContain("found 0 vulnerabilities")
    expect(code).toBe(0)
  })
})

interface Pacote {
  manifest: (spec: string, options: Record<string, unknown>) => Promise<{ _signatures?: unknown[]; _integrity: string }>
}

describe("signatures", () => {
  // `npm audit signatures` does the same, but asks Sigstore for its roots first, which takes a network.
  it("hold for npm's own library, by the keys that are handed on", async (ctx) => {
    const { directory } = tool(ctx, "arborist")
    const pacote = createRequire(join(directory, "package.json"))("pacote") as Pacote
    const { registry } = await startFront({ packages: PACKAGES, refused: { foo: ["2.0.0"] } })
    const { keys } = (await (await fetch(`${registry}/-/npm/v1/keys`)).json()) as { keys: { key: string }[] }
    const known = keys.map((key) => ({
      ...key,
      pemkey: `-----BEGIN PUBLIC KEY-----\n${key.key}\n-----END PUBLIC KEY-----`,
    }))
    const options = { registry: `${registry}/`, cache: temporaryDirectory(), verifySignatures: true }
    const place = `${registry.replace("http:", "")}/:_keys`
    for (const version of ["1.2.0", "2.0.0"]) {
      const manifest = await pacote.manifest(`foo@${version}`, { ...options, [place]: known })
      expect(manifest._signatures).toHaveLength(1)
    }
    const other = known.map((key) => ({
      ...key,
      pemkey: generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({ type: "spki", format: "pem" }),
    }))
    await expect(
      pacote.manifest("foo@1.2.0", { ...options, cache: temporaryDirectory(), [place]: other }),
    ).rejects.toMatchObject({ code: "EINTEGRITYSIGNATURE" })
  })
})
