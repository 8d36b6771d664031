import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { correctRefusal, type Parent, type RefusedPackage } from "../../src/gateway/correct.ts"
import { overridesOf, overridesSoFar, pnpmOverride } from "../../src/gateway/pnpm-overrides.ts"
import type { Client } from "../../src/gateway/types.ts"
import { factsOf } from "../../src/packages/facts.ts"
import { purlOf } from "../../src/packages/purl.ts"
import type { Lockfile, LockfileFormat, PackageDocument, ReleaseInfo } from "../../src/packages/types.ts"
import { decide } from "../../src/policy/decide.ts"
import { loadPolicy } from "../../src/policy/load.ts"
import type { Advisory, Ecosystem, Verdict } from "../../src/policy/types.ts"
import { dependencyOf, documentOf, NOW } from "../packages/fixtures.ts"

const POLICY = loadPolicy("version: 1\npackages:\n  deny: { severity: high }\n", "nanoguard.yaml")
const ECOSYSTEM: Record<Client, Ecosystem> = {
  npm: "npm",
  pnpm: "npm",
  "pnpm-classic": "npm",
  yarn: "npm",
  "yarn-classic": "npm",
  bun: "npm",
  pip: "pypi",
  uv: "pypi",
  poetry: "pypi",
  pdm: "pypi",
  cargo: "cargo",
  go: "golang",
  other: "npm",
}

interface Gate {
  client: Client
  ecosystem?: Ecosystem
  registry?: Record<string, (Partial<ReleaseInfo> & { version: string })[]>
  bad?: Record<string, string[]>
  parents?: Record<string, Parent[]>
  project?: RefusedPackage["project"]
  overrides?: Record<string, string>
}

/** Refuses leaf 1.2.0 (in Go v1.2.0) as a gate with this registry and these advisories would, and corrects it. */
function refuse(gate: Gate, name = "leaf", version = "1.2.0"): Verdict {
  const ecosystem = gate.ecosystem ?? ECOSYSTEM[gate.client]
  const v = (text: string) => (ecosystem === "golang" ? `v${text}` : text)
  const n = (text: string) => (ecosystem === "golang" ? `mod.example/${text}` : text)
  const registry: NonNullable<Gate["registry"]> = gate.registry ?? {
    leaf: ["1.1.0", "1.2.0", "1.3.0"].map((version) => ({ version })),
  }
  const documents = new Map<string, PackageDocument>()
  for (const [of, releases] of Object.entries(registry)) {
    const hashed = releases.map((release) => ({
      integrity: ["sha256-aaaa"],
      ...release,
      version: v(release.version),
      ...(release.requires && {
        requires: Object.fromEntries(Object.entries(release.requires).map(([to, range]) => [n(to), v(range)])),
      }),
    }))
    documents.set(n(of), documentOf(n(of), hashed, { ecosystem }))
  }
  const bad = Object.entries(gate.bad ?? { leaf: ["1.2.0"] }).flatMap(([of, list]) =>
    list.map((at) => `${n(of)}@${v(at)}`),
  )
  const advisory: Advisory = { id: "GHSA-1", aliases: [], kind: "vulnerability", severity: "high", fixed: [] }
  const advisories = {
    covers: () => true,
    affecting: (_: string, of: string, at: string) => (bad.includes(`${of}@${at}`) ? [advisory] : []),
  }
  const factsFor = (of: string, at: string) => {
    const document = documents.get(of)
    const result =
      document === undefined
        ? ({ ok: false, reason: "not-found", detail: "" } as const)
        : ({ ok: true, document } as const)
    const dependency = dependencyOf(of, at, { ecosystem, purl: purlOf(ecosystem, of, at), integrity: [] })
    return factsOf(dependency, result, advisories, NOW, { lookalike: () => null })
  }
  const origin = { kind: "registry", origin: "default" } as const
  const action = {
    kind: "package",
    purl: purlOf(ecosystem, n(name), v(version)),
    ecosystem,
    name: n(name),
    version: v(version),
    source: origin,
  } as const
  return correctRefusal({
    policy: POLICY,
    now: NOW,
    verdict: decide(POLICY, action, { now: NOW, facts: factsFor(n(name), v(version)) }),
    client: gate.client,
    ecosystem,
    name: n(name),
    version: v(version),
    origin,
    document: (of) => documents.get(of),
    factsFor,
    project: gate.project,
    ...(gate.overrides && { overrides: gate.overrides }),
    ...(gate.parents && {
      parents: (of, at) =>
        (gate.parents![`${of.replace("mod.example/", "")}@${at.replace(/^v/, "")}`] ?? []).map((parent) => ({
          ...parent,
          name: n(parent.name),
          version: v(parent.version),
          range: ecosystem === "golang" ? v(parent.range) : parent.range,
        })),
    }),
  })
}

const commandOf = (gate: Gate) => refuse(gate).correction?.command
const CLIENTS = Object.keys(ECOSYSTEM).filter((client) => client !== "other") as Client[]

describe("a package that is asked for itself", () => {
  const commands: Record<string, string> = {
    npm: "npm install leaf@1.3.0",
    pnpm: "pnpm add leaf@1.3.0",
    "pnpm-classic": "pnpm add leaf@1.3.0",
    yarn: "yarn add leaf@1.3.0",
    "yarn-classic": "yarn add leaf@1.3.0",
    bun: "bun add leaf@1.3.0",
    pip: "pip install 'leaf==1.3.0'",
    uv: "uv add 'leaf==1.3.0'",
    poetry: "poetry add 'leaf==1.3.0'",
    pdm: "pdm add 'leaf==1.3.0'",
    cargo: "cargo add leaf@=1.3.0",
    go: "go get mod.example/leaf@v1.3.0",
  }
  it.each(CLIENTS)("%s", (client) => {
    const verdict = refuse({ client })
    const ecosystem = ECOSYSTEM[client]
    expect(verdict.correction).toEqual({
      action: "upgrade",
      target: ecosystem === "golang" ? "pkg:golang/mod.example/leaf@v1.3.0" : `pkg:${ecosystem}/leaf@1.3.0`,
      command: commands[client],
    })
    expect(verdict.evidence.at(-1)).toMatchObject({ kind: "correction", way: "direct", effect: "allow" })
  })

  it("is in yarn's manifest already where the wrapper says so", () => {
    expect(commandOf({ client: "yarn", project: { direct: { npm: ["leaf"] } } })).toBe("yarn up leaf@1.3.0")
  })

  it("gets no command for a client that nobody knows, but where an ecosystem has one manager only", () => {
    expect(refuse({ client: "other" }).correction).toEqual({ action: "upgrade", target: "pkg:npm/leaf@1.3.0" })
    expect(commandOf({ client: "other", ecosystem: "pypi" })).toBeUndefined()
    expect(commandOf({ client: "npm", ecosystem: "pypi" })).toBeUndefined()
    expect(commandOf({ client: "other", ecosystem: "cargo" })).toBe("cargo add leaf@=1.3.0")
    expect(commandOf({ client: "pip", ecosystem: "golang" })).toBe("go get mod.example/leaf@v1.3.0")
  })
})

describe("a dependency of a dependency, with an allowed version in its range and no lockfile", () => {
  const commands: Record<string, string> = {
    npm: "npm pkg set 'overrides[leaf]=1.3.0' && npm install",
    pnpm: `pnpm config set --location=project --json overrides '{"leaf":"1.3.0"}' && pnpm install`,
    "pnpm-classic": `pnpm config set --location=project --json overrides '{"leaf":"1.3.0"}' && pnpm install`,
    yarn: "npm pkg set 'resolutions[leaf]=1.3.0' && yarn install",
    "yarn-classic": "npm pkg set 'resolutions[leaf]=1.3.0' && yarn install",
    bun: "npm pkg set 'overrides[leaf]=1.3.0' && bun install",
    pip: "pip install 'leaf==1.3.0'",
    uv: "uv add 'leaf==1.3.0'",
    poetry: "poetry add 'leaf==1.3.0'",
    pdm: "pdm add 'leaf==1.3.0'",
    cargo: "cargo update leaf --precise 1.3.0",
    go: "go get mod.example/leaf@v1.3.0",
  }
  const rangeOf = (client: Client) => (client === "go" ? "1.2.0" : ECOSYSTEM[client] === "pypi" ? ">=1.0,<2" : "^1.0.0")
  it.each(CLIENTS)("%s", (client) => {
    const parents = { "leaf@1.2.0": [{ name: "top", version: "1.0.0", range: rangeOf(client) }] }
    expect(commandOf({ client, parents })).toBe(commands[client])
  })

  it.each([
    ["pip", "pip install 'leaf==1.3.0'"],
    ["poetry", "poetry add 'leaf==1.3.0'"],
    ["pdm", "pdm add 'leaf==1.3.0'"],
    ["npm", "npm pkg set 'overrides[leaf]=1.3.0' && npm install"],
  ] as const)("%s, where an update would take one that is refused too", (client, command) => {
    const leaf = ["1.2.0", "1.3.0", "1.4.0"].map((version) => ({ version }))
    const parents = { "leaf@1.2.0": [{ name: "top", version: "1.0.0", range: ">=1.0.0" }] }
    expect(commandOf({ client, parents, registry: { leaf }, bad: { leaf: ["1.2.0", "1.4.0"] } })).toBe(command)
  })

  it("counts as the project's own where that is known, and only an older parent has it in range", () => {
    const parents = { "leaf@1.2.0": [{ name: "top", version: "1.0.0", range: "1.2.0", unlikely: true as const }] }
    expect(commandOf({ client: "npm", parents, project: { direct: { npm: ["leaf"] } } })).toBe("npm install leaf@1.3.0")
    expect(commandOf({ client: "npm", parents, project: { direct: { npm: ["top"] } } })).toBe(
      "npm pkg set 'overrides[leaf]=1.3.0' && npm install",
    )
  })

  it("counts as the project's own where no known range has it", () => {
    const parents = { "leaf@1.2.0": [{ name: "top", version: "1.0.0", range: "^0.9.0" }] }
    expect(commandOf({ client: "npm", parents })).toBe("npm install leaf@1.3.0")
  })
})

describe("a version that a dependency pins", () => {
  const exact = (client: Client) =>
    client === "go"
      ? "1.2.0"
      : ECOSYSTEM[client] === "npm"
        ? "1.2.0"
        : ECOSYSTEM[client] === "pypi"
          ? "==1.2.0"
          : "=1.2.0"
  const parentsOf = (client: Client) => ({ "leaf@1.2.0": [{ name: "top", version: "1.0.0", range: exact(client) }] })
  const leaf = ["1.2.0", "1.3.0"].map((version) => ({ version }))

  const upgrades: Record<string, string> = {
    npm: "npm install top@2.0.0",
    pnpm: "pnpm add top@2.0.0",
    "pnpm-classic": "pnpm add top@2.0.0",
    yarn: "yarn add top@2.0.0",
    "yarn-classic": "yarn add top@2.0.0",
    bun: "bun add top@2.0.0",
    pip: "pip install 'top==2.0.0'",
    uv: "uv add 'top==2.0.0'",
    poetry: "poetry add 'top==2.0.0'",
    pdm: "pdm add 'top==2.0.0'",
    cargo: "cargo add top@=2.0.0",
    // Go takes the newest that anybody asks for: no pin is in the way.
    go: "go get mod.example/leaf@v1.3.0",
  }
  it.each(CLIENTS)("%s: by a newer parent", (client) => {
    const requires = { leaf: ECOSYSTEM[client] === "pypi" ? ">=1.3" : "1.3.0" }
    const top = [{ version: "1.0.0" }, { version: "2.0.0", requires }]
    expect(commandOf({ client, parents: parentsOf(client), registry: { leaf, top } })).toBe(upgrades[client])
  })

  const overrides: Record<string, string | undefined> = {
    npm: "npm pkg set 'overrides[leaf]=1.3.0' && npm install",
    pnpm: `pnpm config set --location=project --json overrides '{"leaf":"1.3.0"}' && pnpm install`,
    "pnpm-classic": `pnpm config set --location=project --json overrides '{"leaf":"1.3.0"}' && pnpm install`,
    yarn: "npm pkg set 'resolutions[leaf]=1.3.0' && yarn install",
    "yarn-classic": "npm pkg set 'resolutions[leaf]=1.3.0' && yarn install",
    bun: "npm pkg set 'overrides[leaf]=1.3.0' && bun install",
    // These have no command that forces a version on another package.
    pip: undefined,
    uv: undefined,
    poetry: undefined,
    pdm: undefined,
    cargo: undefined,
    go: "go get mod.example/leaf@v1.3.0",
  }
  it.each(CLIENTS)("%s: by an override", (client) => {
    const { correction } = refuse({ client, parents: parentsOf(client), registry: { leaf } })
    expect(correction?.command).toBe(overrides[client])
    expect(correction?.target).toMatch(/leaf@v?1\.3\.0$/)
    expect(correction?.action).toBe(client === "go" ? "upgrade" : "override")
  })

  const older: Record<string, string> = {
    pip: "pip install 'top==0.9.0'",
    uv: "uv add 'top==0.9.0'",
    poetry: "poetry add 'top==0.9.0'",
    pdm: "pdm add 'top==0.9.0'",
    cargo: "cargo add top@=0.9.0",
  }
  it.each(Object.keys(older) as Client[])("%s: by an older parent, where nothing else helps", (client) => {
    const requires = { leaf: ECOSYSTEM[client] === "pypi" ? ">=1.0" : ">=1.0.0" }
    const top = [{ version: "0.8.0", requires }, { version: "0.9.0", requires }, { version: "1.0.0" }]
    const { correction } = refuse({ client, parents: parentsOf(client), registry: { leaf, top } })
    expect(correction).toMatchObject({ action: "downgrade", command: older[client] })
  })

  it.each([
    ["npm", "npm pkg set 'overrides[mid]=1.1.0' && npm install"],
    ["pnpm", `pnpm config set --location=project --json overrides '{"mid":"1.1.0"}' && pnpm install`],
    ["yarn", "npm pkg set 'resolutions[mid]=1.1.0' && yarn install"],
    ["pip", "pip install 'mid==1.1.0'"],
    ["poetry", "poetry add 'mid==1.1.0'"],
    ["cargo", "cargo update mid --precise 1.1.0"],
  ] as const)("%s: by a newer parent that is not the project's own", (client, command) => {
    const any = ECOSYSTEM[client] === "pypi" ? ">=1.0" : "^1.0.0"
    const parents = { ...parentsOf(client), "mid@1.0.0": [{ name: "top", version: "1.0.0", range: any }] }
    parents["leaf@1.2.0"] = [{ name: "mid", version: "1.0.0", range: exact(client) }]
    const mid = [{ version: "1.0.0" }, { version: "1.1.0", requires: { leaf: any } }]
    expect(commandOf({ client, parents, registry: { leaf, mid, top: [{ version: "1.0.0" }] } })).toBe(command)
  })

  it("npm: by an override that agrees with the project's own wish for the package", () => {
    const project = { direct: { npm: ["leaf", "top"] } }
    expect(commandOf({ client: "npm", parents: parentsOf("npm"), registry: { leaf }, project })).toBe(
      "npm pkg set 'overrides[leaf]=$leaf' && npm install leaf@1.3.0",
    )
  })

  it("keeps what was forced before, where all overrides are set at once", () => {
    const gate: Gate = {
      client: "pnpm",
      parents: parentsOf("pnpm"),
      registry: { leaf },
      overrides: { old: "1.0.0", "a>b": "^1", "$(id)": "1.0.0", x: "'" },
    }
    expect(commandOf(gate)).toBe(
      `pnpm config set --location=project --json overrides '{"old":"1.0.0","a>b":"^1","leaf":"1.3.0"}' && pnpm install`,
    )
  })

  it("adds to what the project's workspace forces", () => {
    const project = { overrides: overridesOf("packages: ['a/*']\noverrides:\n  old: 1.0.0\n  'a>b': ^1\n  odd: [1]\n") }
    expect(commandOf({ client: "pnpm", parents: parentsOf("pnpm"), registry: { leaf }, project })).toBe(
      pnpmOverride({ old: "1.0.0", "a>b": "^1", leaf: "1.3.0" }),
    )
    for (const text of ["", "a: [", "- x", "overrides: x", "overrides:\n  - a"]) expect(overridesOf(text)).toEqual({})
  })

  it("adds to what earlier refusals of the run said", () => {
    const said = ["a", "b"].map((name) => pnpmOverride({ [name]: "1.0.0", leaf: "0.1.0" }))
    const commands = [
      ...said,
      "npm install x@1.0.0",
      undefined,
      "pnpm config set --location=project --json overrides '",
    ]
    const verdicts = commands.map(
      (command) => ({ correction: { action: "override", ...(command && { command }) } }) as Verdict,
    )
    const overrides = overridesSoFar(verdicts)
    expect(overrides).toEqual({ a: "1.0.0", b: "1.0.0", leaf: "0.1.0" })
    expect(commandOf({ client: "pnpm", parents: parentsOf("pnpm"), registry: { leaf }, overrides })).toBe(
      pnpmOverride({ a: "1.0.0", leaf: "1.3.0", b: "1.0.0" }),
    )
  })

  it("is followed up to what the project itself asks for", () => {
    const parents = {
      "leaf@1.2.0": [{ name: "mid", version: "1.0.0", range: "1.2.0" }],
      "mid@1.0.0": [{ name: "top", version: "1.0.0", range: "^1.0.0" }],
    }
    const registry = {
      leaf,
      mid: [{ version: "1.0.0", requires: { leaf: "1.2.0" } }],
      top: [
        { version: "1.0.0", requires: { mid: "^1.0.0" } },
        { version: "1.1.0", requires: {} },
      ],
    }
    expect(commandOf({ client: "npm", parents, registry })).toBe("npm install top@1.1.0")
  })
})

describe("the run's own lockfile", () => {
  const lockfileOf = (
    format: LockfileFormat,
    formatVersion: string,
    ecosystem: Ecosystem,
    range: string,
  ): Lockfile => ({
    path: "lock",
    format,
    formatVersion,
    dependencies: [
      // Written behind the gate: its addresses are the gate's.
      dependencyOf("top", "1.0.0", {
        ecosystem,
        key: "top",
        direct: true,
        source: { kind: "registry", origin: "http://127.0.0.1:9/npm" },
      }),
      dependencyOf("leaf", "1.2.0", {
        ecosystem,
        key: "leaf",
        source: { kind: "registry", origin: "http://127.0.0.1:9/npm" },
      }),
    ],
    edges: [
      { from: "", to: "top", range: "" },
      { from: "top", to: "leaf", range },
    ],
    roots: [{ key: "", name: "project" }],
    warnings: [],
    lineOf: () => 1,
  })

  it.each([
    ["npm", "package-lock.json", "3", "^1.0.0", "npm update leaf"],
    ["pnpm", "pnpm-lock.yaml", "9.0", "^1.0.0", "pnpm update --depth Infinity leaf"],
    ["yarn", "yarn.lock", "berry-8", "1.2.0", "npm pkg set 'resolutions[leaf]=1.3.0' && yarn install"],
    ["uv", "uv.lock", "1", "", "uv lock --upgrade-package 'leaf==1.3.0'"],
    ["poetry", "poetry.lock", "2.1", "", "poetry update leaf"],
    ["pdm", "pdm.lock", "4.5.0", "", "pdm update leaf"],
    ["cargo", "Cargo.lock", "4", "", "cargo update leaf --precise 1.3.0"],
  ] as const)("%s: says who wants it", (client, format, formatVersion, range, command) => {
    const project = { lockfiles: [lockfileOf(format, formatVersion, ECOSYSTEM[client], range)] }
    expect(commandOf({ client, project })).toBe(command)
  })

  it("does not count where it is another manager's, or has another version", () => {
    const project = { lockfiles: [lockfileOf("pnpm-lock.yaml", "9.0", "npm", "^1.0.0")] }
    expect(commandOf({ client: "npm", project })).toBe("npm install leaf@1.3.0")
    expect(commandOf({ client: "other", project })).toBe("pnpm update --depth Infinity leaf")
    const verdict = refuse({ client: "pnpm", project, bad: { leaf: ["1.1.0"] } }, "leaf", "1.1.0")
    expect(verdict.correction?.command).toBe("pnpm add leaf@1.2.0")
  })
})

describe("whatever asks", () => {
  it("leaves an allowed version as it is", () => {
    const verdict = refuse({ client: "npm", bad: {} })
    expect(verdict.effect).toBe("allow")
    expect(verdict.correction).toBeUndefined()
  })

  it("says to go without it where no version is allowed", () => {
    const verdict = refuse({ client: "npm", bad: { leaf: ["1.1.0", "1.2.0", "1.3.0"] } })
    expect(verdict.correction).toMatchObject({ action: "remove", command: "npm uninstall leaf" })
  })

  it("ends, whoever is said to want whom, and names only what is allowed", () => {
    const name = fc.constantFrom("leaf", "a", "b", "c", "$(id)")
    const version = fc.constantFrom("1.0.0", "1.2.0", "1.3.0", "2.0.0; rm")
    const parent = fc.record({ name, version, range: fc.constantFrom("^1.0.0", "*", "1.2.0", "", "npm:leaf@^1", "🙂") })
    const parents = fc.array(fc.tuple(name, version, fc.array(parent, { maxLength: 4 })), { maxLength: 8 })
    fc.assert(
      fc.property(parents, fc.constantFrom(...CLIENTS), (list, client) => {
        const wants = Object.fromEntries(list.map(([of, at, above]) => [`${of}@${at}`, above]))
        const { correction } = refuse({ client, parents: wants })
        expect(correction?.target).toMatch(/leaf@v?1\.3\.0$/)
        expect(correction?.command ?? "").toMatch(/^[\w @=.:,/'"{}[\]&-]*$/)
      }),
      { numRuns: 300 },
    )
  })
})
