// Python, Cargo, Go and BOMs, written to bring in what the policy refuses by name.
import { describe, expect, it } from "vitest"
import { type Attack, outcomeOf } from "./support.ts"

const EVIL_LIB = { "evil-lib@1.0": "deny package.denied" }
const requirements = (text: string, more: Record<string, string> = {}): Attack => ({
  files: { "requirements.txt": text, ...more },
})
const REGISTRY = 'source = { registry = "https://registry.example/simple" }'

describe("Python", () => {
  it.each<[string, Attack, unknown]>([
    ["another spelling", requirements("EVIL__lib == 1.0\n"), EVIL_LIB],
    ["arbitrary equality", requirements("evil.lib===1.0\n"), EVIL_LIB],
    ["a marker that is never true here", requirements("evil_lib==1.0 ; python_version < '2'\n"), EVIL_LIB],
    ["an epoch", requirements("evil-lib==1!1.0\n"), { "evil-lib@1!1.0": "deny package.denied" }],
    ["a local version", requirements("evil-lib==1.0+local\n"), { "evil-lib@1.0+local": "deny package.denied" }],
    ["extras and a range", requirements("evil-lib[x]>=1\n"), { "evil-lib": "deny package.denied" }],
    ["a line end of Python's", requirements("fine==1 # x\vevil-lib==1.0\n"), EVIL_LIB],
    ["a full-width letter", requirements("\uff45vil-lib==1\n"), 'refused: "\\u{ff45}vil-lib==1" is not a requirement'],
    [
      "a comment in UTF-7",
      requirements("# coding: utf-7\nfine==1 # +AAo-evil-lib+AD0APQ-1\n"),
      "refused: it says that it is not UTF-8",
    ],
    [
      "a comment in UTF-7, in a file that is included",
      requirements("-r more.txt\n", { "more.txt": "#\n# vim: fileencoding=utf7\n# +AAo-evil-lib\n" }),
      "refused: it says that it is not UTF-8",
    ],
    [
      "an editable checkout",
      requirements("-e git+https://git.example/evil.git#egg=evil-lib\n"),
      { "evil-lib": "deny package.denied" },
    ],
    [
      "an archive under another name",
      requirements("fine @ https://files.example/evil_lib-1.0.tar.gz\n"),
      { "fine@1.0": "deny evidence.missing" },
    ],
    [
      "a file outside",
      requirements("-r ../evil.txt\nfine==1\n"),
      'refused: it refers to "../evil.txt", which is not in the repository',
    ],
    [
      "a file at an address",
      requirements("-r https://files.example/evil.txt\nfine==1\n"),
      'refused: it installs what stands at "https://files.example/evil.txt", which is not in the repository',
    ],
    [
      "an abbreviated option",
      requirements("--req evil.txt\nfine==1\n"),
      'refused: "--req" is no option that pip knows in a requirements file',
    ],
    ["a variable for a name", requirements("\u0024{PKG}==1\n"), 'refused: "\u0024{PKG}==1" is not a requirement'],
    [
      "an index of its own",
      requirements("--index-url \u0024{INDEX}\nfine==1\n"),
      { "fine@1": "deny evidence.missing" },
    ],
    [
      "uv: the project's own directory beside a registry",
      {
        files: {
          "uv.lock": `version = 1\n[[package]]\nname = "evil-lib"\nversion = "1.0"\nsource = { virtual = ".", registry = "https://registry.example/simple" }\n[[package]]\nname = "fine"\nversion = "1.0"\n${REGISTRY}\n`,
        },
      },
      "refused: an entry with several sources; readers differ in which of them they take",
    ],
    [
      "pylock: a directory beside wheels",
      {
        files: {
          "pylock.toml": `lock-version = "1.0"\ncreated-by = "x"\n[[packages]]\nname = "evil-lib"\nversion = "1.0"\ndirectory = { path = "lib" }\nwheels = [{ url = "https://files.example/evil_lib-1.0-py3-none-any.whl", hashes = { sha256 = "${"a".repeat(64)}" } }]\n`,
        },
      },
      "refused: an entry with several sources, which the format does not allow",
    ],
  ])("%s", async (_, attack, expected) => {
    expect(await outcomeOf(attack)).toEqual(expected)
  })
})

describe("Cargo and Go", () => {
  const go = (mod: string, more: Record<string, string> = {}): Attack => ({
    files: { "go.mod": `module m\ngo 1.22\nrequire registry.example/fine v1.0.0\n${mod}`, ...more },
  })
  const replace = "replace registry.example/fine => registry.example/evil v1.0.0\n"

  it.each<[string, Attack, string]>([
    [
      "a dash for an underscore",
      {
        files: {
          "Cargo.lock":
            'version = 3\n[[package]]\nname = "evil-lib"\nversion = "1.0.0"\nsource = "registry+https://registry.example/index"\n',
        },
      },
      "evil-lib@1.0.0",
    ],
    ["a replacement", go(replace), "registry.example/evil@v1.0.0"],
    [
      "a replacement of the workspace",
      go("", { "go.work": `go 1.22\nuse .\n${replace}` }),
      "registry.example/evil@v1.0.0",
    ],
    [
      "a replacement of a workspace above",
      {
        files: {
          "m/go.mod": "module m\ngo 1.22\nrequire registry.example/fine v1.0.0\n",
          "go.work": `go 1.22\nuse ./m\n${replace}`,
        },
      },
      "registry.example/evil@v1.0.0",
    ],
    [
      "a replacement of another module of a workspace far above",
      {
        files: {
          "a/b/c/d/e/go.mod": "module m\ngo 1.22\nrequire registry.example/fine v1.0.0\n",
          "lib/go.mod": `module lib\ngo 1.22\n${replace}`,
          "go.work": "go 1.22\nuse ./a/b/c/d/e\nuse ./lib\n",
        },
      },
      "registry.example/evil@v1.0.0",
    ],
    [
      "a replacement of the workspace that hides",
      {
        files: {
          "go.mod": "module m\ngo 1.22\nrequire registry.example/evil v1.0.0\n",
          "go.work": "go 1.22\nreplace registry.example/evil => registry.example/fine v1.0.0\n",
        },
      },
      "registry.example/evil@v1.0.0",
    ],
    ["capitals", go("require registry.example/EVIL v1.0.0\n"), "registry.example/EVIL@v1.0.0"],
  ])("%s", async (_, attack, name) => {
    expect(await outcomeOf(attack)).toMatchObject({ [name]: "deny package.denied" })
  })
})

it.each([
  ["an encoded purl", { name: "fine", version: "1.0.0", purl: "pkg:NPM/%65vil@1.0.0" }],
  [
    "a component below another",
    {
      name: "fine",
      version: "1.0.0",
      purl: "pkg:npm/fine@1.0.0",
      components: [{ type: "library", name: "evil", version: "1.0.0", purl: "pkg:npm/evil@1.0.0" }],
    },
  ],
])("a BOM with %s", async (_, component) => {
  const bom = { bomFormat: "CycloneDX", specVersion: "1.5", components: [{ type: "library", ...component }] }
  expect(await outcomeOf({ files: { "bom.json": JSON.stringify(bom) } })).toMatchObject({
    "evil@1.0.0": "deny package.denied",
  })
})
