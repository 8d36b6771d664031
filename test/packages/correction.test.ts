import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { satisfies } from "../../src/packages/versions.ts"
import { loadPolicy } from "../../src/policy/load.ts"
import { correctIn, type Project } from "./correctionFixtures.ts"
import { DAY, dependencyOf, NOW } from "./fixtures.ts"

const policyOf = (packages: string) => loadPolicy(`version: 1\npackages:\n${packages}\n`, "nanoguard.yaml")
const POLICY = policyOf("  deny: { severity: high }\n  unknown: { default: ask, offline: allow }")
const versions = (...list: string[]) => list.map((version) => ({ version }))

/** app -> direct "top" -> "leaf", where leaf 1.1.0 and 1.2.0 are bad. */
const chain: Project = {
  locked: { top: "1.0.0", leaf: "1.2.0" },
  edges: [
    ["", "top", "^1.0.0"],
    ["top", "leaf", "^1.0.0"],
  ],
  registry: {
    top: [
      { version: "1.0.0", requires: { leaf: "^1.0.0" } },
      { version: "1.1.0", requires: { leaf: "^1.2.0" } },
      { version: "2.0.0", requires: { leaf: "^2.0.0" } },
      { version: "3.0.0", requires: {} },
    ],
    leaf: versions("1.0.0", "1.1.0", "1.2.0", "1.3.0", "1.4.0", "2.0.0"),
  },
  bad: { leaf: ["1.1.0", "1.2.0"] },
}

describe("inside the parents' ranges", () => {
  it("moves a dependency of the project to the smallest upgrade", () => {
    const project: Project = { ...chain, edges: [["", "leaf", "^1.0.0"]], locked: { leaf: "1.2.0" } }
    expect(correctIn(project, POLICY, "leaf").result).toMatchObject({
      correction: { action: "upgrade", target: "pkg:npm/leaf@1.3.0", command: "npm install leaf@1.3.0" },
      checked: [
        { kind: "correction", way: "in-range", target: "pkg:npm/leaf@1.3.0", against: "policy", effect: "allow" },
      ],
      moves: [{ kind: "direct", name: "leaf", version: "1.3.0" }],
    })
  })

  it("names what the manager's update brings, where it cannot be told a version", () => {
    const { correction } = correctIn(chain, POLICY, "leaf").result!
    expect(correction).toEqual({ action: "upgrade", target: "pkg:npm/leaf@1.4.0", command: "npm update leaf" })
  })

  it("holds the nearest one by an override where the newest in range is refused too", () => {
    const project = { ...chain, bad: { leaf: ["1.2.0", "1.4.0"] } }
    const { correction } = correctIn(project, POLICY, "leaf").result!
    expect(correction).toEqual({
      action: "upgrade",
      target: "pkg:npm/leaf@1.3.0",
      command: "npm pkg set 'overrides[leaf]=1.3.0' && npm install",
    })
  })

  it("holds an older one by an override where the refused one is itself the newest in range", () => {
    const registry = { ...chain.registry, leaf: versions("1.0.0", "1.1.0", "1.2.0") }
    const project = { ...chain, registry, bad: { leaf: ["1.2.0"] } }
    expect(correctIn(project, POLICY, "leaf").result!.correction).toEqual({
      action: "downgrade",
      target: "pkg:npm/leaf@1.1.0",
      command: "npm pkg set 'overrides[leaf]=1.1.0' && npm install",
    })
  })

  it("takes the nearest downgrade where no upgrade is allowed", () => {
    const project: Project = {
      ...chain,
      edges: [["", "leaf", "^1.0.0"]],
      locked: { leaf: "1.2.0" },
      bad: { leaf: ["1.2.0", "1.3.0", "1.4.0"] },
    }
    const { correction } = correctIn(project, POLICY, "leaf").result!
    expect(correction).toEqual({ action: "downgrade", target: "pkg:npm/leaf@1.1.0", command: "npm install leaf@1.1.0" })
  })

  it("names exactly the nearest version where the manager can", () => {
    const project: Project = { ...chain, ecosystem: "cargo", format: "Cargo.lock", formatVersion: "4" }
    const { correction } = correctIn(project, POLICY, "leaf").result!
    expect(correction).toEqual({
      action: "upgrade",
      target: "pkg:cargo/leaf@1.3.0",
      command: "cargo update leaf --precise 1.3.0",
    })
  })

  it("never offers what its author withdrew, nor a pre-release", () => {
    const leaf = [
      { version: "1.2.0" },
      { version: "1.3.0-rc.1" },
      { version: "1.3.0", deprecated: true },
      { version: "1.3.1", yanked: true },
      { version: "1.3.2" },
    ]
    const project: Project = {
      locked: { leaf: "1.2.0" },
      edges: [["", "leaf", "^1.0.0"]],
      registry: { leaf },
      bad: { leaf: ["1.2.0"] },
    }
    expect(correctIn(project, POLICY, "leaf").result?.correction.target).toBe("pkg:npm/leaf@1.3.2")
  })
})

describe("by a newer parent", () => {
  const exact: Project = {
    ...chain,
    edges: [
      ["", "top", "^1.0.0"],
      ["top", "leaf", "1.2.0"],
    ],
  }

  it("takes the smallest upgrade of the direct dependency that brings an allowed one", () => {
    expect(correctIn(exact, POLICY, "leaf").result).toMatchObject({
      correction: { action: "upgrade", target: "pkg:npm/top@2.0.0", command: "npm install top@2.0.0" },
      checked: [{ kind: "correction", way: "parent", target: "pkg:npm/top@2.0.0", against: "policy", effect: "allow" }],
      moves: [{ kind: "direct", name: "top", version: "2.0.0" }],
    })
  })

  it("passes over a parent that is refused itself", () => {
    const project = { ...exact, bad: { ...exact.bad, top: ["2.0.0"] } }
    expect(correctIn(project, POLICY, "leaf").result?.correction.target).toBe("pkg:npm/top@3.0.0")
  })

  it("does not take an upgrade for one that leaves the refused version locked", () => {
    const project: Project = {
      ...exact,
      registry: { ...exact.registry, top: [...exact.registry!["top"]!.slice(0, 2)] },
    }
    const { correction } = correctIn(project, POLICY, "leaf").result!
    expect(correction).toEqual({
      action: "override",
      target: "pkg:npm/leaf@1.3.0",
      command: "npm pkg set 'overrides[leaf]=1.3.0' && npm install",
    })
  })

  it("finds the parent that several ways go through", () => {
    const project: Project = {
      locked: { top: "1.0.0", a: "1.0.0", b: "1.0.0", leaf: "1.2.0" },
      edges: [
        ["", "top", "^1.0.0"],
        ["top", "a", "1.0.0"],
        ["top", "b", "1.0.0"],
        ["a", "leaf", "1.2.0"],
        ["b", "leaf", "1.2.0"],
      ],
      registry: {
        top: [
          { version: "1.0.0", requires: { a: "1.0.0", b: "1.0.0" } },
          { version: "1.1.0", requires: { a: "2.0.0", b: "1.0.0" } },
          { version: "1.2.0", requires: { a: "2.0.0" } },
        ],
        a: [
          { version: "1.0.0", requires: { leaf: "1.2.0" } },
          { version: "2.0.0", requires: { leaf: "^1.3.0" } },
        ],
        b: [{ version: "1.0.0", requires: { leaf: "1.2.0" } }],
        leaf: chain.registry!["leaf"]!,
      },
      bad: chain.bad!,
    }
    expect(correctIn(project, POLICY, "leaf").result?.correction.target).toBe("pkg:npm/top@1.2.0")
  })

  it("is not tried where another package holds the refused version", () => {
    const project: Project = {
      ...exact,
      locked: { ...exact.locked, other: "1.0.0" },
      edges: [...exact.edges, ["", "other", "*"], ["other", "leaf", "1.2.0"]],
    }
    expect(correctIn(project, POLICY, "leaf").result?.correction.action).toBe("override")
  })
})

it("holds a package by an override where the lockfile does not say who wants it", () => {
  const project: Project = { locked: { leaf: "1.2.0" }, edges: [], registry: chain.registry!, bad: chain.bad! }
  expect(correctIn(project, POLICY, "leaf").result?.correction).toEqual({
    action: "override",
    target: "pkg:npm/leaf@1.3.0",
    command: "npm pkg set 'overrides[leaf]=1.3.0' && npm install",
  })
})

describe("without a version to go to", () => {
  const denied: Project = {
    locked: { leaf: "1.0.0" },
    edges: [["", "leaf", "*"]],
    registry: { leaf: versions("1.0.0"), safer: versions("1.0.0", "2.0.0") },
  }
  const rule = (instead: string) =>
    policyOf(
      `  rules:\n    - { id: no-leaf, deny: pkg:npm/leaf, reason: gone${instead} }\n  unknown: { default: allow }`,
    )

  it("names what the rule says to use instead", () => {
    const { correction } = correctIn(denied, rule(", instead: pkg:npm/safer"), "leaf").result!
    expect(correction).toEqual({
      action: "replace",
      target: "pkg:npm/safer@2.0.0",
      command: "npm uninstall leaf && npm install safer@2.0.0",
    })
  })

  it("names the well-known package that a look-alike imitates", () => {
    const policy = policyOf("  deny: { lookalikes: true }")
    const lookalike = (name: string) => (name === "leaf" ? { of: "safer", how: "" } : null)
    const { verdict, result } = correctIn({ ...denied, lookalike }, policy, "leaf")
    expect(verdict.code).toBe("name.lookalike")
    expect(result?.correction.target).toBe("pkg:npm/safer@2.0.0")
  })

  it("says to remove it where nothing is allowed instead", () => {
    expect(correctIn(denied, rule(""), "leaf").result).toMatchObject({
      correction: { action: "remove", target: "pkg:npm/leaf@1.0.0", command: "npm uninstall leaf" },
      checked: [],
      moves: [{ kind: "remove", name: "leaf" }],
    })
  })
})

describe("what is asked about", () => {
  it("gets the smallest exception, and that exception is enough", () => {
    const rules = "  ask: { install-scripts: true }\n  unknown: { default: allow }"
    const project: Project = {
      locked: { "@x/leaf": "1.0.0" },
      edges: [["", "@x/leaf", "*"]],
      registry: { "@x/leaf": [{ version: "1.0.0", installScripts: ["postinstall"] }] },
    }
    const { result, verdict } = correctIn(project, policyOf(rules), "@x/leaf")
    expect(verdict.effect).toBe("ask")
    expect(result?.correction).toEqual({ action: "request-approval", target: "pkg:npm/%40x/leaf@1.0.0" })
    expect(result?.exception).toBe(
      '- { allow: "pkg:npm/%40x/leaf", versions: "=1.0.0", of: script.unapproved, owner: YOUR-ADDRESS, reason: WHY-IT-IS-FINE, expires: 2027-01-30 }',
    )
    const excepted = policyOf(`${rules}\n  exceptions:\n    ${result?.exception}`)
    expect(correctIn(project, excepted, "@x/leaf").verdict.effect).toBe("allow")
  })

  it("gets an exception of the advisories that it was asked about, not of those to come", () => {
    const rules = "  ask: { severity: high }\n  unknown: { default: allow }"
    const project: Project = {
      locked: { leaf: "1.0.0" },
      edges: [["", "leaf", "*"]],
      registry: { leaf: versions("1.0.0") },
      bad: { leaf: ["1.0.0"] },
    }
    const exception = correctIn(project, policyOf(rules), "leaf").result?.exception
    expect(exception).toContain('of: vulnerability.severity, advisories: ["GHSA-1"], owner')
    const excepted = policyOf(`${rules}\n  exceptions:\n    ${exception}`)
    expect(correctIn(project, excepted, "leaf").verdict.effect).toBe("allow")
  })

  const asked = policyOf("  ask: { severity: high, age: 3d, licenses: [GPL-3.0-only] }\n  unknown: { default: allow }")

  it("is moved to a version that nobody has to be asked about, where there is one", () => {
    const { verdict, result } = correctIn(chain, asked, "leaf")
    expect(verdict).toMatchObject({ effect: "ask", code: "vulnerability.severity" })
    expect(result).toMatchObject({
      correction: { action: "upgrade", target: "pkg:npm/leaf@1.4.0", command: "npm update leaf" },
      moves: [{ kind: "newest", name: "leaf", version: "1.4.0" }],
    })
    expect(result).not.toHaveProperty("exception")
  })

  it("goes back to the release before a fresh one", () => {
    const leaf = [{ version: "1.0.0" }, { version: "1.1.0", published: NOW - DAY }]
    const project: Project = { locked: { leaf: "1.1.0" }, edges: [["", "leaf", "^1.0.0"]], registry: { leaf } }
    const { correction } = correctIn(project, asked, "leaf").result!
    expect(correction).toEqual({ action: "downgrade", target: "pkg:npm/leaf@1.0.0", command: "npm install leaf@1.0.0" })
  })

  it("needs an approval where every version has the same licence", () => {
    const leaf = versions("1.0.0", "1.1.0").map((release) => ({ ...release, license: "GPL-3.0-only" }))
    const project: Project = { locked: { leaf: "1.0.0" }, edges: [["", "leaf", "^1.0.0"]], registry: { leaf } }
    const { result } = correctIn(project, asked, "leaf")
    expect(result?.correction).toEqual({ action: "request-approval", target: "pkg:npm/leaf@1.0.0" })
    expect(result?.exception).toContain("of: license.denied")
  })

  it("is not moved away from a version whose scripts wait for a yes", () => {
    const leaf = [{ version: "1.0.0", installScripts: ["install"] }, { version: "1.1.0" }]
    const project: Project = { locked: { leaf: "1.0.0" }, edges: [["", "leaf", "^1.0.0"]], registry: { leaf } }
    const policy = policyOf("  ask: { install-scripts: true }\n  unknown: { default: allow }")
    expect(correctIn(project, policy, "leaf").result?.correction.action).toBe("request-approval")
  })
})

describe("offline", () => {
  it("tries the versions that fix the advisories, and says that nothing else was checked", () => {
    const { registry: _, ...offline } = chain
    const project: Project = { ...offline, fixed: ["2.0.0", "1.3.0", "not a version", "1.1.0"] }
    expect(correctIn(project, POLICY, "leaf").result).toMatchObject({
      correction: { action: "upgrade", target: "pkg:npm/leaf@1.3.0", command: "npm update leaf" },
      checked: [
        {
          kind: "correction",
          way: "in-range",
          target: "pkg:npm/leaf@1.3.0",
          against: "advisories only",
          effect: "allow",
        },
      ],
      moves: [{ kind: "newest", name: "leaf", version: "1.3.0" }],
    })
  })
})

describe("hostile names and versions", () => {
  it.each(["leaf; rm -rf ~", "$(id)", "--global", "..", "leaf'\n"])("%j never enters a command", (name) => {
    const project: Project = {
      locked: { [name]: "1.2.0" },
      edges: [["", name, "*"]],
      registry: { [name]: versions("1.2.0", "1.3.0") },
      bad: { [name]: ["1.2.0"] },
    }
    const { correction } = correctIn(project, POLICY, name).result!
    expect(correction.command).toBeUndefined()
    expect(correctIn(project, POLICY, name).result).not.toHaveProperty("moves")
    expect(correction.target).toMatch(/^pkg:npm\/[\w.%~-]+@1\.3\.0$/)
  })

  it.each(["1.3.0;id", "1.3.0 && id", "-g", "1.3.0\n", "$(id)"])("version %j is no candidate", (version) => {
    const project: Project = {
      locked: { leaf: "1.2.0" },
      edges: [["", "leaf", "*"]],
      registry: { leaf: versions("1.2.0", version) },
      bad: { leaf: ["1.2.0"] },
    }
    expect(correctIn(project, POLICY, "leaf").result?.correction.action).toBe("remove")
  })
})

describe("a dependency that is not the project's own, command by manager", () => {
  const inRange: [Project["format"], string, string | undefined][] = [
    ["pnpm-lock.yaml", "9.0", "pnpm update --depth Infinity leaf"],
    ["yarn.lock", "1", "npm pkg set 'resolutions[leaf]=1.3.0' && yarn install"],
    ["yarn.lock", "berry-8", "yarn up -R leaf"],
    ["bun.lock", "1", "npm pkg set 'overrides[leaf]=1.3.0' && bun install"],
    ["cyclonedx", "1.6", undefined],
  ]
  it.each(inRange)("%s %s: %s", (format, formatVersion, command) => {
    const project: Project = { ...chain, format: format!, formatVersion }
    expect(correctIn(project, POLICY, "leaf").result?.correction.command).toBe(command)
  })

  const python: [Project["format"], string | undefined][] = [
    ["requirements.txt", "pip install 'leaf==1.3.0'"],
    ["Pipfile.lock", "pipenv upgrade 'leaf==1.3.0'"],
    ["poetry.lock", "poetry add 'leaf==1.3.0'"],
    ["uv.lock", "uv lock --upgrade-package 'leaf==1.3.0'"],
    ["pdm.lock", "pdm add 'leaf==1.3.0'"],
    ["pylock.toml", undefined],
  ]
  it.each(python)("%s, the project's own: %s", (format, command) => {
    const project: Project = {
      ecosystem: "pypi",
      format: format!,
      locked: { leaf: "1.2.0" },
      edges: [["", "leaf", ">=1.0"]],
      registry: { leaf: versions("1.2.0", "1.3.0") },
      bad: { leaf: ["1.2.0"] },
    }
    expect(correctIn(project, POLICY, "leaf").result?.correction.command).toBe(command)
  })
})

describe("for any registry, lockfile and advisories", () => {
  const version = fc.tuple(fc.nat(2), fc.nat(2), fc.nat(2)).map((parts) => parts.join("."))
  const range = version.chain((v) => fc.constantFrom(`^${v}`, `~${v}`, v, `>=${v}`, "*", ""))
  const list = fc.uniqueArray(version, { minLength: 1, maxLength: 8 })
  const anyProject = fc
    .record({
      leaf: list,
      top: list,
      ranges: fc.array(range, { minLength: 12, maxLength: 12 }),
      bad: list,
      fresh: fc.boolean(),
    })
    .map(
      ({ leaf, top, ranges, bad, fresh }): Project => ({
        locked: { top: top[0]!, leaf: leaf[0]! },
        edges: [
          ["", "top", ranges[10]!],
          ["top", "leaf", ranges[0]!],
          ...(fresh ? [["", "leaf", ranges[11]!] as [string, string, string]] : []),
        ],
        registry: {
          top: top.map((version, index) => ({ version, requires: { leaf: ranges[index]! } })),
          leaf: leaf.map((version, index) => ({ version, ...(index % 3 === 2 && { published: NOW - DAY }) })),
        },
        bad: { leaf: [leaf[0]!, ...bad] },
      }),
    )
  const policy = policyOf("  deny: { severity: high, age: 3d }\n  unknown: { default: ask }")

  it("what it recommends is never refused, stays in range where it says so, and is always the same", () => {
    let moved = 0
    fc.assert(
      fc.property(anyProject, (project) => {
        const { result, judge, lockfile } = correctIn(project, policy, "leaf")
        expect(correctIn(project, policy, "leaf").result).toEqual(result)
        const { action, target } = result!.correction
        if (action === "remove") return
        moved++
        const [, name, to] = /^pkg:npm\/(\w+)@(.+)$/.exec(target!)!
        expect(judge(dependencyOf(name!, to!)).effect).toBe("allow")
        if (result!.checked[0]!["way"] !== "in-range") return
        for (const edge of lockfile.edges.filter((edge) => edge.to === "leaf")) {
          const wanted = edge.range === "" && edge.from === "top" ? "" : edge.range
          if (wanted !== "") expect(satisfies("npm", to!, wanted)).toBe(true)
        }
      }),
      { numRuns: 300 },
    )
    expect(moved).toBeGreaterThan(50)
  })
})
