// A JavaScript lockfile that is meant to bring in `evil`, `holey` below 2.0.0 or the malware `stealer` without a word.
import { describe, expect, it } from "vitest"
import { type Attack, lockOf, outcomeOf } from "./support.ts"

const HASH = `sha512-${Buffer.alloc(64, 1).toString("base64")}`
const EVIL = "https://registry.example/evil/-/evil-1.0.0.tgz"
const DENIED = { "evil@1.0.0": "deny package.denied" }
const UNCHECKED = { "fine@1.0.0": "deny evidence.missing" }

const npm = (entries: Record<string, unknown>, root = {}): Attack => ({
  files: { "package-lock.json": lockOf(entries, root) },
})
const raw = (lock: unknown): Attack => ({ files: { "package-lock.json": JSON.stringify(lock) } })
const fine = (entry: Record<string, unknown>) =>
  npm({ "node_modules/fine": { version: "1.0.0", integrity: HASH, ...entry } })

describe("npm", () => {
  it.each<[string, Attack, unknown]>([
    ["an alias", npm({ "node_modules/x": { name: "evil", version: "1.0.0" } }), DENIED],
    [
      "an alias of lockfile version 1",
      raw({ lockfileVersion: 1, dependencies: { x: { version: "npm:evil@1.0.0" } } }),
      DENIED,
    ],
    [
      "an empty name",
      npm({ "node_modules/evil": { name: "", version: "1.0.0" } }),
      "refused: what stands for its name is none",
    ],
    [
      "a name that climbs",
      npm({ "node_modules/x": { name: "x/../evil", version: "1.0.0" } }),
      "refused: what stands for its name is none",
    ],
    [
      "a name with a version",
      npm({ "node_modules/x": { name: "evil@1.0.0", version: "1.0.0" } }),
      "refused: what stands for its name is none",
    ],
    ...[
      "node_modules/./evil",
      "node_modules//evil",
      "node_modules/a/../evil",
      "node_modules/evil/",
      "node_modules/@x/../evil",
    ].map((path): [string, Attack, unknown] => [
      `the path ${path}`,
      npm({ [path]: { version: "1.0.0" } }),
      "refused: a path that npm takes for another one",
    ]),
    [
      "a name of version 1 that is a path",
      raw({ lockfileVersion: 1, dependencies: { "./evil": { version: "1.0.0" } } }),
      "refused: a path that npm takes for another one",
    ],
    ...[
      "npm:evil@1.0.0",
      "https://files.example/evil.tgz",
      "^1.0.0",
      "latest",
      "v1.0.0",
      " 1.0.0",
      "git+https://git.example/evil.git",
    ].map((version): [string, Attack, unknown] => [
      `the version ${version}`,
      npm({ "node_modules/fine": { version } }),
      "refused: what stands for its version is not one exact version",
    ]),
    [
      "build metadata",
      npm({ "node_modules/turned": { version: "3.3.6+x" } }),
      { "turned@3.3.6+x": "deny package.denied" },
    ],
    [
      "a prerelease in a range",
      npm({ "node_modules/ranged": { version: "1.5.0-rc.1" } }),
      { "ranged@1.5.0-rc.1": "deny package.denied" },
    ],
    [
      "leading zeros",
      npm({ "node_modules/ranged": { version: "01.5.0" } }),
      { "ranged@01.5.0": "deny package.denied" },
    ],
    [
      "build metadata that looks fixed",
      npm({ "node_modules/holey": { version: "1.0.0+2.0.0" } }),
      { "holey@1.0.0+2.0.0": "deny vulnerability.severity" },
    ],
    ["a tree that only its archive has", fine({ hasShrinkwrap: true }), UNCHECKED],
    ["such a tree, said otherwise", fine({ hasShrinkwrap: 1 }), UNCHECKED],
    ["such a tree, said as package.json says it", fine({ _hasShrinkwrap: true }), UNCHECKED],
    ["no version", npm({ "node_modules/holey": {} }), { holey: "deny evidence.missing" }],
    [
      "malware of any version",
      npm({ "node_modules/stealer": { version: "99.0.0-x+y" } }),
      { "stealer@99.0.0-x+y": "deny malware.known" },
    ],
    ["another package's archive", fine({ resolved: EVIL }), UNCHECKED],
    ["an archive behind a query", fine({ resolved: `${EVIL}?/fine/-/fine-1.0.0.tgz` }), UNCHECKED],
    ["an archive behind a fragment", fine({ resolved: `${EVIL}#/fine/-/fine-1.0.0.tgz` }), UNCHECKED],
    [
      "an archive behind a detour",
      fine({ resolved: "https://registry.example/x/..%2fevil/fine/-/fine-1.0.0.tgz" }),
      UNCHECKED,
    ],
    [
      "an older archive under a fixed version",
      npm({ "node_modules/holey": { version: "2.0.0", resolved: "https://registry.example/holey/-/holey-1.0.0.tgz" } }),
      { "holey@2.0.0": "deny evidence.missing" },
    ],
    [
      "an address without a version",
      npm({ "node_modules/holey": { resolved: "https://files.example/y.tgz" } }),
      { holey: "deny evidence.missing" },
    ],
    ["an entry nobody wants", npm({ "node_modules/evil": { version: "1.0.0", extraneous: true } }), DENIED],
    [
      "a bundled entry",
      npm({
        "node_modules/a": { version: "1.0.0", bundleDependencies: ["evil"] },
        "node_modules/a/node_modules/evil": { version: "1.0.0", inBundle: true },
      }),
      DENIED,
    ],
    [
      "a path of Windows",
      npm({ "node_modules\\evil": { version: "1.0.0" } }),
      { "node_modules\\evil@1.0.0": "deny evidence.missing" },
    ],
    [
      "a link within node_modules",
      npm({
        "node_modules/fine": { link: true, resolved: "node_modules/.x/evil" },
        "node_modules/.x/evil": { version: "1.0.0" },
      }),
      "refused: what stands for its name is none",
    ],
    [
      "a link out of the project",
      npm({ "node_modules/evil": { link: true, resolved: "../elsewhere" } }),
      { evil: "deny package.denied" },
    ],
    [
      "a key twice",
      {
        files: {
          "package-lock.json": `{"lockfileVersion":3,"packages":{"node_modules/evil":{"version":"1.0.0"}},"packages":{"node_modules/fine":{"version":"1.0.0"}}}`,
        },
      },
      'refused: the key "packages" stands twice in one object',
    ],
    [
      "a key twice, once escaped",
      {
        files: {
          "package-lock.json": `{"lockfileVersion":3,"packages":{"node_modules/evil":{"version":"1.0.0"}},"p\\u0061ckages":{"node_modules/fine":{"version":"1.0.0"}}}`,
        },
      },
      'refused: the key "packages" stands twice in one object',
    ],
    [
      "a package called __proto__",
      {
        files: {
          "package-lock.json": `{"lockfileVersion":3,"packages":{"node_modules/__proto__":{"name":"evil","version":"1.0.0"}}}`,
        },
      },
      DENIED,
    ],
    [
      "a byte order mark and CRLF",
      {
        files: {
          "package-lock.json": `\ufeff${lockOf({ "node_modules/evil": { version: "1.0.0" } }).replaceAll("\n", "\r\n")}`,
        },
      },
      DENIED,
    ],
    [
      "a version 1 file whose other half npm reads",
      raw({
        lockfileVersion: 1,
        dependencies: { fine: { version: "1.0.0" } },
        packages: { "node_modules/evil": { version: "1.0.0" } },
      }),
      'refused: version 1 has no "packages"',
    ],
    [
      "a lockfile version that is a text",
      raw({ lockfileVersion: "3", packages: { "node_modules/evil": { version: "1.0.0" } } }),
      "refused: it has no lockfileVersion",
    ],
  ])("%s", async (_, attack, expected) => {
    expect(await outcomeOf(attack)).toEqual(expected)
  })

  it("with --prod, what production reaches is not for development only, whatever its entry says", async () => {
    const evil = { version: "1.0.0", dev: true }
    const direct = npm({ "node_modules/evil": evil }, { dependencies: { evil: "*" } })
    const below = npm({
      "node_modules/fine": { version: "1.0.0", dependencies: { evil: "*" } },
      "node_modules/evil": evil,
    })
    for (const attack of [direct, below])
      expect(await outcomeOf({ ...attack, options: { prod: true } })).toEqual(DENIED)
  })

  it("addresses on look-alike hosts are other registries", async () => {
    const policy = "version: 1\npackages:\n  deny: { sources: [git, url, file, other-registry] }\n"
    const { UrlConverter, PackageURL } = await import("@socketregistry/packageurl-js")
    const usual = UrlConverter.toDownloadUrl(new PackageURL("npm", undefined, "fine", "1.0.0", undefined, undefined))
    const { hostname } = new URL(usual?.url ?? "")
    const addresses = [
      `https://${hostname}@evil.example`,
      `http://${hostname}`,
      `https://${hostname}:8443`,
      `https://${hostname}.`,
      `https://${hostname}\u3002evil.example`,
    ]
    for (const address of addresses) {
      const attack = fine({ resolved: `${address}/fine/-/fine-1.0.0.tgz` })
      expect([address, await outcomeOf({ ...attack, policy })]).toEqual([
        address,
        { "fine@1.0.0": "deny source.unverified" },
      ])
    }
  })
})

const PROJECT = `"p@workspace:.":
  version: 0.0.0-use.local
  resolution: "p@workspace:."
  languageName: unknown
  linkType: soft
`
const berry = (descriptor: string, version: string, resolution: string): Attack => ({
  files: {
    "yarn.lock": `__metadata:\n  version: 8\n\n"${descriptor}":\n  version: ${version}\n  resolution: "${resolution}"\n  checksum: 10/abc\n  languageName: node\n  linkType: hard\n\n${PROJECT}`,
  },
})
const classic = (entry: string): Attack => ({ files: { "yarn.lock": `# yarn lockfile v1\n\n\n${entry}\n` } })
const pnpm = (key: string, more = ""): Attack => ({
  files: {
    "pnpm-lock.yaml": `lockfileVersion: '9.0'\nimporters:\n  .: {}\npackages:\n  ${key}: {resolution: {integrity: ${HASH}}${more}}\nsnapshots:\n  ${key}: {}\n`,
  },
})
const bun = (spec: string): Attack => ({
  files: {
    "bun.lock": `{"lockfileVersion":1,"workspaces":{"":{"name":"p"}},"packages":{"fine":["${spec}","",{},"${HASH}"]}}`,
  },
})

it.each<[string, Attack, unknown]>([
  ["yarn: a resolution of another name", berry("fine@npm:^1.0.0", "1.0.0", "evil@npm:1.0.0"), DENIED],
  [
    "yarn: a version beside the resolution's",
    berry("holey@npm:^1.0.0", "2.0.0", "holey@npm:1.0.0"),
    { "holey@1.0.0": "deny vulnerability.severity" },
  ],
  [
    "yarn: an alias within the resolution",
    berry("fine@npm:evil@1.0.0", "1.0.0", "fine@npm:evil@1.0.0"),
    "refused: what stands for its version is not one exact version",
  ],
  [
    "yarn: a path within the resolution",
    berry("fine@npm:^1.0.0", "1.0.0", "fine@npm:../evil/1.0.0"),
    "refused: what stands for its version is not one exact version",
  ],
  [
    "yarn: an archive of its own",
    berry("fine@npm:^1.0.0", "1.0.0", "fine@npm:1.0.0::__archiveUrl=https%3A%2F%2Ffiles.example%2Fevil.tgz"),
    UNCHECKED,
  ],
  [
    "yarn: an archive of its own behind a second `::`",
    berry("fine@npm:^1.0.0", "1.0.0", "fine@npm:1.0.0::a=b::c&__archiveUrl=https%3A%2F%2Fevil.example%2Fx.tgz"),
    UNCHECKED,
  ],
  [
    "yarn 1: another package's archive",
    classic(`fine@^1.0.0:\n  version "1.0.0"\n  resolved "${EVIL}#0123456789012345678901234567890123456789"`),
    UNCHECKED,
  ],
  [
    "yarn 1: a stated name without an address",
    classic(`evil@^1.0.0:\n  name fine\n  version "1.0.0"`),
    "refused: a name that is not the one yarn would ask for",
  ],
  [
    "yarn 1: a second address behind a colon",
    classic(
      `fine@^1.0.0:\n  version "1.0.0"\n  resolved "https://registry.example/fine/-/fine-1.0.0.tgz"\n  integrity ${HASH}\n  resolved: "https://evil.example/x.tgz"\n  integrity: ""`,
    ),
    "refused: not a word that yarn writes",
  ],
  [
    "yarn 1: an address that an empty line parts from its entry",
    classic(
      `evil@^1.0.0:\n  name fine\n  version "1.0.0"\n\n\n  resolved "https://registry.example/fine/-/fine-1.0.0.tgz"\n  integrity ${HASH}`,
    ),
    "refused: the line does not belong here",
  ],
  ["pnpm: a key of another name", pnpm("evil@1.0.0", ", name: fine"), DENIED],
  ["pnpm: a key that climbs", pnpm("x/../evil@1.0.0"), "refused: what stands for its name is none"],
  [
    "pnpm: an archive of its own",
    {
      files: {
        "pnpm-lock.yaml": `lockfileVersion: '9.0'\nimporters:\n  .: {}\npackages:\n  fine@1.0.0: {resolution: {integrity: ${HASH}, tarball: '${EVIL}'}}\nsnapshots:\n  fine@1.0.0: {}\n`,
      },
    },
    UNCHECKED,
  ],
  [
    "pnpm 8: for development by its word alone",
    {
      files: {
        "pnpm-lock.yaml": `lockfileVersion: '6.0'\ndependencies:\n  evil: {specifier: '1', version: '1.0.0'}\npackages:\n  /evil@1.0.0: {resolution: {integrity: ${HASH}}, dev: true}\n`,
      },
      options: { prod: true },
    },
    DENIED,
  ],
  ["bun: an alias", bun("evil@1.0.0"), DENIED],
  ["bun: a name that climbs", bun("x/../evil@1.0.0"), "refused: what stands for its name is none"],
  [
    "bun: another address for a release",
    bun("holey@https://registry.example/holey/-/holey-1.0.0.tgz"),
    { "holey@1.0.0": "deny vulnerability.severity" },
  ],
])("%s", async (_, attack, expected) => {
  expect(await outcomeOf(attack)).toEqual(expected)
})
