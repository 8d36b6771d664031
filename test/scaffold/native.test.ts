// Which setting for which manager, and in which unit. That the managers take them so is shown in test/long/native.test.ts.
import { describe, expect, it } from "vitest"
import { loadPolicy } from "../../src/policy/load.ts"
import { type NativePolicy, planNative } from "../../src/scaffold/native.ts"
import { readNativePolicy } from "../../src/scaffold/native-policy.ts"
import type { FoundManager } from "../../src/scaffold/types.ts"

const ALL: NativePolicy = {
  age: 3 * 86_400,
  scripts: true,
  approved: ["@acme/native", "esbuild"],
  deniedSources: ["git", "url"],
  noDowngrade: true,
}
const NONE: NativePolicy = { scripts: false, approved: [], deniedSources: [], noDowngrade: false }

/** `path: key=value` lines, to read at a glance. */
const settings = (policy: NativePolicy, manager: FoundManager, hasUvToml = false) =>
  planNative(policy, [manager], hasUvToml).edits.flatMap(({ path, additions }) =>
    additions.map((addition) => `${path}: ${addition.path.join(".")}=${JSON.stringify(addition.value)}`),
  )

describe("planNative", () => {
  it.each([
    [
      { name: "npm", why: "" },
      [
        ".npmrc: min-release-age=3",
        ".npmrc: strict-allow-scripts=true",
        '.npmrc: allow-git="none"',
        '.npmrc: allow-remote="none"',
        "package.json: allowScripts.@acme/native=true",
        "package.json: allowScripts.esbuild=true",
      ],
    ],
    [
      { name: "pnpm", why: "" },
      [
        "pnpm-workspace.yaml: minimumReleaseAge=4320",
        'pnpm-workspace.yaml: trustPolicy="no-downgrade"',
        "pnpm-workspace.yaml: blockExoticSubdeps=true",
        'pnpm-workspace.yaml: allowBuilds={"@acme/native":true,"esbuild":true}',
      ],
    ],
    [
      { name: "yarn", why: "", major: 4 },
      [
        '.yarnrc.yml: npmMinimalAgeGate="3d"',
        ".yarnrc.yml: enableScripts=false",
        "package.json: dependenciesMeta.@acme/native.built=true",
        "package.json: dependenciesMeta.esbuild.built=true",
      ],
    ],
    [
      { name: "bun", why: "" },
      ["bunfig.toml: install.minimumReleaseAge=259200", 'package.json: trustedDependencies=["@acme/native","esbuild"]'],
    ],
    [{ name: "uv", why: "" }, ['pyproject.toml: tool.uv.exclude-newer="3 days"']],
    [{ name: "yarn", why: "", major: 1 }, []],
    [{ name: "pip", why: "" }, []],
    [{ name: "cargo", why: "" }, []],
  ] as [FoundManager, string[]][])("writes for %o", (manager, expected) => {
    expect(settings(ALL, manager)).toEqual(expected)
    expect(settings(NONE, manager)).toEqual([])
  })

  it("never rounds an age down", () => {
    const odd = { ...ALL, age: 36 * 3600 + 1 }
    expect(settings(odd, { name: "npm", why: "" })[0]).toBe(".npmrc: min-release-age=2")
    expect(settings(odd, { name: "pnpm", why: "" })[0]).toBe("pnpm-workspace.yaml: minimumReleaseAge=2161")
    expect(settings(odd, { name: "yarn", why: "" })[0]).toBe('.yarnrc.yml: npmMinimalAgeGate="2161m"')
    expect(settings(odd, { name: "uv", why: "" }, true)).toEqual(['uv.toml: exclude-newer="2 days"'])
  })

  it("says what has no setting", () => {
    const notes = planNative(
      ALL,
      [
        { name: "pip", why: "" },
        { name: "poetry", why: "" },
        { name: "yarn", why: "", major: 1 },
      ],
      false,
    ).notes
    expect(notes).toHaveLength(3)
    expect(notes[0]).toContain("PIP_UPLOADED_PRIOR_TO=P3D")
    expect(planNative(NONE, [{ name: "pip", why: "" }], false).notes).toEqual([])
  })
})

describe("readNativePolicy", () => {
  const NOW = Date.UTC(2026, 10, 21)
  const exception = (subject: string, of: string, expires: string) =>
    `    - { allow: "${subject}", of: ${of}, owner: ana@acme.example, reason: needed, expires: ${expires} }\n`

  it("reads what there are settings for", () => {
    const text =
      "version: 1\npackages:\n  deny: { sources: [git, file], provenance: no-downgrade, age: 12h }\n" +
      "  ask: { install-scripts: true, sources: [url], age: 3d }\n  exceptions:\n" +
      exception("pkg:npm/esbuild", "script.unapproved", "2027-01-31") +
      exception("pkg:npm/%40acme/native", "script.unapproved", "2027-01-31") +
      exception("pkg:npm/expired", "script.unapproved", "2026-11-20") +
      exception("pkg:npm/other", "release.too-new", "2027-01-31") +
      exception("pkg:npm/every*", "script.unapproved", "2027-01-31") +
      exception("pkg:pypi/wheel", "script.unapproved", "2027-01-31")
    expect(readNativePolicy(loadPolicy(text, "nanoguard.yaml"), NOW)).toEqual({
      age: 259_200,
      scripts: true,
      approved: ["@acme/native", "esbuild"],
      deniedSources: ["git"],
      noDowngrade: true,
    })
  })

  it("reads nothing where the policy says nothing", () => {
    expect(readNativePolicy(loadPolicy("version: 1\n", "nanoguard.yaml"), NOW)).toEqual(NONE)
  })
})
