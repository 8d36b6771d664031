// One small valid lockfile of each JavaScript format, made by hand: an alias, a scope, a git source, a development and an
// optional package, two versions of one name. All say the same, so that what is read from them can be compared.
import { createHash } from "node:crypto"
import { FORMATS } from "../../../src/packages/lockfiles/formats.ts"
import type { Lockfile } from "../../../src/packages/types.ts"

/** A well-formed hash that depends on `text`. */
export const sha512 = (text: string) => `sha512-${createHash("sha512").update(text).digest("base64")}`

const COMMIT = "0123456789abcdef0123456789abcdef01234567"
export const MANIFEST = {
  name: "app",
  dependencies: { "@s/a": "^1.0.0", alias: "npm:real@^2.0.0", g: `git+ssh://git@git.example/o/g.git#${COMMIT}` },
  devDependencies: { d: "~3.0.0" },
  optionalDependencies: { o: "*" },
}

const npm3 = JSON.stringify(
  {
    name: "app",
    lockfileVersion: 3,
    requires: true,
    packages: {
      "": MANIFEST,
      "node_modules/@s/a": { version: "1.0.0", integrity: sha512("a"), dependencies: { b: "^1.0.0" } },
      "node_modules/alias": { name: "real", version: "2.0.0", integrity: sha512("real"), license: "MIT" },
      "node_modules/b": { version: "1.5.0", integrity: sha512("b1") },
      "node_modules/d": { version: "3.0.1", integrity: sha512("d"), dev: true, dependencies: { b: "^2.0.0" } },
      "node_modules/d/node_modules/b": { version: "2.0.0", integrity: sha512("b2"), dev: true },
      "node_modules/g": { version: "0.1.0", resolved: `git+ssh://git@git.example/o/g.git#${COMMIT}` },
      "node_modules/o": { version: "4.0.0", integrity: sha512("o"), optional: true, hasInstallScript: true },
    },
  },
  null,
  2,
)

const npm1 = JSON.stringify(
  {
    name: "app",
    lockfileVersion: 1,
    requires: true,
    dependencies: {
      "@s/a": { version: "1.0.0", integrity: sha512("a"), requires: { b: "^1.0.0" } },
      alias: { version: "npm:real@2.0.0", integrity: sha512("real") },
      b: { version: "1.5.0", integrity: sha512("b1") },
      d: {
        version: "3.0.1",
        integrity: sha512("d"),
        dev: true,
        requires: { b: "^2.0.0" },
        dependencies: { b: { version: "2.0.0", integrity: sha512("b2"), dev: true } },
      },
      g: { version: `git+ssh://git@git.example/o/g.git#${COMMIT}`, from: "git+ssh://git@git.example/o/g.git" },
      o: { version: "4.0.0", integrity: sha512("o"), optional: true },
    },
  },
  null,
  2,
)

const pnpm5 = `lockfileVersion: 5.4

specifiers:
  '@s/a': ^1.0.0
  alias: npm:real@^2.0.0
  d: ~3.0.0
  g: git+ssh://git@git.example/o/g.git#${COMMIT}
  o: '*'

dependencies:
  '@s/a': 1.0.0_b@1.5.0
  alias: /real/2.0.0
  g: git@git.example+o/g/${COMMIT}

optionalDependencies:
  o: 4.0.0

devDependencies:
  d: 3.0.1

packages:

  /@s/a/1.0.0_b@1.5.0:
    resolution: {integrity: ${sha512("a")}}
    dependencies:
      b: 1.5.0
    dev: false

  /b/1.5.0:
    resolution: {integrity: ${sha512("b1")}}
    dev: false

  /b/2.0.0:
    resolution: {integrity: ${sha512("b2")}}
    dev: true

  /d/3.0.1:
    resolution: {integrity: ${sha512("d")}}
    dependencies:
      b: 2.0.0
    dev: true

  /o/4.0.0:
    resolution: {integrity: ${sha512("o")}}
    requiresBuild: true
    dev: false
    optional: true

  /real/2.0.0:
    resolution: {integrity: ${sha512("real")}}
    dev: false

  git@git.example+o/g/${COMMIT}:
    resolution: {commit: ${COMMIT}, repo: git@git.example:o/g.git, type: git}
    name: g
    version: 0.1.0
    dev: false
`

const pnpm6 = pnpm5
  .replace("lockfileVersion: 5.4", "lockfileVersion: '6.0'")
  .replace(/specifiers:[\s\S]*?devDependencies:\n {2}d: 3\.0\.1\n/, () =>
    [
      "dependencies:\n  '@s/a':\n    specifier: ^1.0.0\n    version: 1.0.0(b@1.5.0)",
      "  alias:\n    specifier: npm:real@^2.0.0\n    version: /real@2.0.0",
      `  g:\n    specifier: git+ssh://git@git.example/o/g.git#${COMMIT}\n    version: git@git.example+o/g/${COMMIT}`,
      "optionalDependencies:\n  o:\n    specifier: '*'\n    version: 4.0.0",
      "devDependencies:\n  d:\n    specifier: ~3.0.0\n    version: 3.0.1\n",
    ].join("\n"),
  )
  .replace("/@s/a/1.0.0_b@1.5.0:", "/@s/a@1.0.0(b@1.5.0):")
  .replace(/^ {2}\/(b|d|o|real)\/(\d)/gm, "  /$1@$2")

const pnpm9 = `lockfileVersion: '9.0'

settings:
  autoInstallPeers: true

catalogs:
  default:
    d:
      specifier: ~3.0.0
      version: 3.0.1

importers:

  .:
    dependencies:
      '@s/a':
        specifier: ^1.0.0
        version: 1.0.0(b@1.5.0)
      alias:
        specifier: npm:real@^2.0.0
        version: real@2.0.0
      g:
        specifier: git+ssh://git@git.example/o/g.git#${COMMIT}
        version: git+ssh://git@git.example/o/g.git#${COMMIT}
    devDependencies:
      d:
        specifier: 'catalog:'
        version: 3.0.1
    optionalDependencies:
      o:
        specifier: '*'
        version: 4.0.0

packages:

  '@s/a@1.0.0':
    resolution: {integrity: ${sha512("a")}}

  b@1.5.0:
    resolution: {integrity: ${sha512("b1")}}

  b@2.0.0:
    resolution: {integrity: ${sha512("b2")}}

  d@3.0.1:
    resolution: {integrity: ${sha512("d")}}

  g@git+ssh://git@git.example/o/g.git#${COMMIT}:
    resolution: {commit: ${COMMIT}, repo: git+ssh://git@git.example/o/g.git, type: git}
    version: 0.1.0

  o@4.0.0:
    resolution: {integrity: ${sha512("o")}}

  real@2.0.0:
    resolution: {integrity: ${sha512("real")}}

snapshots:

  '@s/a@1.0.0(b@1.5.0)':
    dependencies:
      b: 1.5.0

  b@1.5.0: {}

  b@2.0.0: {}

  d@3.0.1:
    dependencies:
      b: 2.0.0

  g@git+ssh://git@git.example/o/g.git#${COMMIT}: {}

  o@4.0.0:
    optional: true

  real@2.0.0: {}
`

const yarn1 = `# THIS IS AN AUTOGENERATED FILE. DO NOT EDIT THIS FILE DIRECTLY.
# yarn lockfile v1


"@s/a@^1.0.0":
  version "1.0.0"
  resolved "https://registry.example/@s/a/-/a-1.0.0.tgz#0000000000000000000000000000000000000001"
  integrity ${sha512("a")}
  dependencies:
    b "^1.0.0"

"alias@npm:real@^2.0.0":
  version "2.0.0"
  resolved "https://registry.example/real/-/real-2.0.0.tgz#0000000000000000000000000000000000000002"
  integrity ${sha512("real")}

b@^1.0.0, b@^1.5.0:
  version "1.5.0"
  resolved "https://registry.example/b/-/b-1.5.0.tgz#0000000000000000000000000000000000000003"
  integrity ${sha512("b1")}

b@^2.0.0:
  version "2.0.0"
  resolved "https://registry.example/b/-/b-2.0.0.tgz#0000000000000000000000000000000000000004"
  integrity ${sha512("b2")}

d@~3.0.0:
  version "3.0.1"
  resolved "https://registry.example/d/-/d-3.0.1.tgz#0000000000000000000000000000000000000005"
  integrity ${sha512("d")}
  dependencies:
    b "^2.0.0"

"g@git+ssh://git@git.example/o/g.git#${COMMIT}":
  version "0.1.0"
  resolved "git+ssh://git@git.example/o/g.git#${COMMIT}"

o@*:
  version "4.0.0"
  resolved "https://registry.example/o/-/o-4.0.0.tgz#0000000000000000000000000000000000000006"
  integrity ${sha512("o")}
`

const checksum = "10c0/".padEnd(133, "0")
const berry = `# This file is generated by running "yarn install" inside your project.
# Manual changes might be lost - proceed with caution!

__metadata:
  version: 8
  cacheKey: 10c0

"@s/a@npm:^1.0.0":
  version: 1.0.0
  resolution: "@s/a@npm:1.0.0"
  dependencies:
    b: "npm:^1.0.0"
  checksum: ${checksum}
  languageName: node
  linkType: hard

"alias@npm:real@^2.0.0":
  version: 2.0.0
  resolution: "real@npm:2.0.0"
  checksum: ${checksum}
  languageName: node
  linkType: hard

"app@workspace:.":
  version: 0.0.0-use.local
  resolution: "app@workspace:."
  dependencies:
    "@s/a": "npm:^1.0.0"
    alias: "npm:real@^2.0.0"
    d: "npm:~3.0.0"
    g: "git+ssh://git@git.example/o/g.git#${COMMIT}"
    o: "npm:*"
  dependenciesMeta:
    o:
      optional: true
  languageName: unknown
  linkType: soft

"b@npm:^1.0.0, b@npm:^1.5.0":
  version: 1.5.0
  resolution: "b@npm:1.5.0"
  checksum: ${checksum}
  languageName: node
  linkType: hard

"b@npm:^2.0.0":
  version: 2.0.0
  resolution: "b@npm:2.0.0"
  checksum: ${checksum}
  languageName: node
  linkType: hard

"d@npm:~3.0.0":
  version: 3.0.1
  resolution: "d@npm:3.0.1"
  dependencies:
    b: "npm:^2.0.0"
  checksum: ${checksum}
  languageName: node
  linkType: hard

"g@git+ssh://git@git.example/o/g.git#${COMMIT}":
  version: 0.1.0
  resolution: "g@git+ssh://git@git.example/o/g.git#commit=${COMMIT}"
  checksum: ${checksum}
  languageName: node
  linkType: hard

"o@npm:*":
  version: 4.0.0
  resolution: "o@npm:4.0.0"
  checksum: ${checksum}
  conditions: os=darwin
  languageName: node
  linkType: hard
`

const bun = `{
  "lockfileVersion": 1,
  "workspaces": {
    "": {
      "name": "app",
      "dependencies": {
        "@s/a": "^1.0.0",
        "alias": "npm:real@^2.0.0",
        "g": "git+ssh://git@git.example/o/g.git#${COMMIT}",
      },
      "devDependencies": {
        "d": "~3.0.0",
      },
      "optionalDependencies": {
        "o": "*",
      },
    },
  },
  "packages": {
    "@s/a": ["@s/a@1.0.0", "", { "dependencies": { "b": "^1.0.0" } }, "${sha512("a")}"],

    "alias": ["real@2.0.0", "", {}, "${sha512("real")}"],

    "b": ["b@1.5.0", "", {}, "${sha512("b1")}"],

    "d": ["d@3.0.1", "", { "dependencies": { "b": "^2.0.0" } }, "${sha512("d")}"],

    "g": ["g@git+ssh://git@git.example/o/g.git#${COMMIT}", {}, "tag"],

    "o": ["o@4.0.0", "", { "os": "darwin" }, "${sha512("o")}"],

    "d/b": ["b@2.0.0", "", {}, "${sha512("b2")}"],
  }
}
`

/** Base name and text of each. */
export const SAMPLES: Readonly<Record<string, readonly [file: string, text: string]>> = {
  "npm 3": ["package-lock.json", npm3],
  "npm 2": ["package-lock.json", npm3.replace('"lockfileVersion": 3', '"lockfileVersion": 2')],
  "npm 1": ["package-lock.json", npm1],
  "pnpm 5.4": ["pnpm-lock.yaml", pnpm5],
  "pnpm 6.0": ["pnpm-lock.yaml", pnpm6],
  "pnpm 9.0": ["pnpm-lock.yaml", pnpm9],
  "yarn 1": ["yarn.lock", yarn1],
  berry: ["yarn.lock", berry],
  bun: ["bun.lock", bun],
}

/** Parses a text as the file of that name would be, with other files beside it. */
export async function parse(file: string, text: string, beside: Record<string, string> = {}): Promise<Lockfile> {
  const format = FORMATS.find((candidate) => candidate.name.test(file))
  if (format === undefined) throw new Error(`no format for ${file}`)
  const reader = await format.load()
  return reader(text, file, (path) => (Object.hasOwn(beside, path) ? beside[path] : undefined))
}

export const BESIDE = { "package.json": JSON.stringify(MANIFEST) }
