// Online: hashes that were planted, registries that send elsewhere, and names that are nobody's business.
import { describe, expect, it } from "vitest"
import { startRegistry } from "../registry.ts"
import { policyOf, vetTree } from "../vet/support.ts"
import { lockOf } from "./support.ts"

const PLANTED = `sha512-${Buffer.alloc(64, 9).toString("base64")}`
const sha256 = (text: string) => Buffer.alloc(32, text).toString("hex")
const AGE = policyOf("deny: { age: 3d }\nunknown: deny")

describe("a planted hash", () => {
  it("beside the right one is a mismatch: npm takes either", async () => {
    const registry = await startRegistry()
    registry.npm("fine", { "1.0.0": { integrity: `sha512-${Buffer.alloc(64, 1).toString("base64")}` } })
    const entry = { version: "1.0.0", integrity: `sha512-${Buffer.alloc(64, 1).toString("base64")} ${PLANTED}` }
    const { found } = await vetTree({
      policy: AGE,
      files: { "package-lock.json": lockOf({ "node_modules/fine": entry }) },
      env: registry.env,
    })
    expect(found).toEqual({ "fine@1.0.0": "deny integrity.mismatch" })
  })

  it("for one file of a Python release is a mismatch, in every lockfile that lists files", async () => {
    const right = sha256("fine@1.0 ")
    const planted = sha256("planted")
    const wheel = (name: string, hash: string) =>
      `{ url = "https://files.registry.example/${name}", hash = "sha256:${hash}" }`
    const locks = {
      "requirements.txt": `fine==1.0 --hash=sha256:${right} --hash=sha256:${planted}\n`,
      "uv.lock": `version = 1\n[[package]]\nname = "fine"\nversion = "1.0"\nsource = { registry = "$REGISTRY/simple" }\nwheels = [${wheel("fine-1.0-py3-none-any.whl", right)}, ${wheel("fine-1.0-cp312-macosx.whl", planted)}]\n`,
      "poetry.lock": `[[package]]\nname = "fine"\nversion = "1.0"\ndescription = ""\noptional = false\npython-versions = "*"\nfiles = [{ file = "a.whl", hash = "sha256:${right}" }, { file = "b.whl", hash = "sha256:${planted}" }]\n[metadata]\nlock-version = "2.0"\npython-versions = "*"\ncontent-hash = "x"\n`,
    }
    for (const [file, text] of Object.entries(locks)) {
      const { found } = await vetTree({
        policy: policyOf('deny: { yanked: true }\nunknown: deny\nregistries: [{ upstream: "$REGISTRY/simple" }]'),
        files: { [file]: text },
        prepare: ({ pypi }) => pypi("fine", { "1.0": {} }),
      })
      expect([file, found]).toEqual([file, { "fine@1.0": "deny integrity.mismatch" }])
    }
  })

  it("that is stronger than what the registry states is said not to be checked, whatever the weaker one is", async () => {
    const { missing } = await vetTree({
      policy: policyOf("deny: { integrity: missing }\nunknown: deny"),
      files: {
        "package-lock.json": lockOf({
          "node_modules/fine": {
            version: "1.0.0",
            integrity: `sha1-${Buffer.alloc(20, 1).toString("base64")} ${PLANTED}`,
          },
        }),
      },
      prepare: ({ npm }) => npm("fine", { "1.0.0": { integrity: `sha1-${Buffer.alloc(20, 1).toString("base64")}` } }),
    })
    expect(missing).toEqual({ "integrity unsupported": 1 })
  })
})

describe("a registry that is the attacker's", () => {
  it.each(["redirect", "endless", "huge-length", "html", "lies", "empty"] as const)(
    "%s: nothing is known, and that is denied",
    async (fault) => {
      const { report, found } = await vetTree({
        policy: AGE,
        packages: { fine: "1.0.0" },
        prepare: ({ fail }) => fail("*", fault),
      })
      expect(found).toEqual({ "fine@1.0.0": "deny evidence.missing" })
      expect(report.counts.allow).toBe(0)
    },
  )

  it("that the repository names in .npmrc is not asked, and gets no token", async () => {
    const theirs = await startRegistry()
    theirs.npm("fine", { "1.0.0": {} })
    const host = new URL(theirs.base).host
    const { registry } = await vetTree({
      policy: AGE,
      packages: { fine: "1.0.0" },
      files: { ".npmrc": `registry=${theirs.base}\n//${host}/:_authToken=\${NPM_TOKEN}\nscript-shell=./evil.sh\n` },
      prepare: ({ npm }) => npm("fine", { "1.0.0": {} }),
      env: { NPM_TOKEN: "secret" },
    })
    expect(theirs.requests).toEqual([])
    expect(registry.requests).toEqual(["/fine"])
  })

  it("is not told the names of packages that come from elsewhere", async () => {
    const { registry } = await vetTree({
      policy: policyOf("deny: { age: 3d, severity: low }\nunknown: allow"),
      packages: {
        "@acme/secret": { version: "1.0.0", resolved: "https://npm.acme.example/@acme/secret/-/secret-1.0.0.tgz" },
        hidden: {
          version: "1.0.0",
          resolved: "git+ssh://git@git.acme.example/hidden.git#0123456789012345678901234567890123456789",
        },
      },
    })
    expect([...registry.requests, ...registry.audited]).toEqual([])
  })
})
