import { execFileSync } from "node:child_process"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { normalisePythonName } from "../../../src/packages/purl.ts"
import { versionOfFile } from "../../../src/packages/registries/pypi-filename.ts"
import { canonicalPython } from "../../../src/packages/versions/pypi.ts"

describe("the version of a file", () => {
  it.each([
    ["left_pad-1.0-py3-none-any.whl", "1.0"],
    ["left_pad-1.0-1-py2.py3-none-any.whl", "1.0"],
    ["Left.Pad-1.0RC1-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", "1.0rc1"],
    ["left_pad-1.0+cu118-cp312-cp312-linux_x86_64.whl", "1.0+cu118"],
    // An underscore was a dash before it was escaped.
    ["left_pad-1.0_2-py3-none-any.whl", "1.0.post2"],
    ["left_pad-1!2.0-py3-none-any.whl", "1!2.0"],
    ["left_pad-1.0.tar.gz", "1.0"],
    ["left-pad-1.0-rc.1.tar.gz", "1.0rc1"],
    ["left.pad-2023.07.22.zip", "2023.7.22"],
    ["LEFT--PAD-1.0-1.tar.bz2", "1.0.post1"],
    ["left-pad-1.0-py2.7.egg", "1.0"],
    ["left-pad-1.0-py2.7-linux-x86_64.egg", "1.0"],
    ["left-pad-1.0.win32.exe", "1.0"],
    ["left-pad-1.0.win-amd64-py3.4.msi", "1.0"],
    ["left-pad-1.0.linux-x86_64.tar.gz", "1.0"],
    ["left-pad-1.0-py3.tar.gz", "1.0"],
  ])("%s is %s", (filename, version) => {
    expect(versionOfFile(filename, "left-pad")).toBe(version)
  })

  it.each([
    "right_pad-1.0-py3-none-any.whl",
    "left_pad-1.0-none-any.whl",
    "left_pad-1.0-a-py3-none-any.whl",
    "left_pad-1.0-1-1-py3-none-any.whl",
    "left_pad--py3-none-any.whl",
    "left_pad-latest-py3-none-any.whl",
    "left_pad-1.0-py3-none-any.WHL",
    "left-pad.tar.gz",
    "left-pad-.tar.gz",
    "left-pad-2-1.0.tar.gz",
    "left-pad-2004d.tar.gz",
    "left-pad-1.0.tar.gz.asc",
    "left-pad-1.0",
    "-left-pad-1.0.tar.gz",
    "left-pad-1.0/../x.tar.gz",
    "left-pad-1.0\n.tar.gz",
    "left-pad-1.0%2e.tar.gz",
    `left-pad-1.${"0".repeat(300)}.tar.gz`,
  ])("cannot be told of %s", (filename) => {
    expect(versionOfFile(filename, "left-pad")).toBeUndefined()
  })

  it("that PEP 440 does not know is an index's word", () => {
    expect(versionOfFile("left-pad-2004d.tar.gz", "left-pad", new Set(["2004d"]))).toBe("2004d")
    expect(versionOfFile("left-pad-1.0-rc1.tar.gz", "left-pad", new Set(["1.0-rc1"]))).toBe("1.0rc1")
  })

  const digits = fc.nat({ max: 30 }).map(String)
  const part = (...words: string[]) => fc.constantFrom("", ...words)
  const version = fc
    .tuple(
      part("v", "1!", "0!"),
      fc
        .array(fc.oneof(digits, fc.constantFrom("00", "07")), { minLength: 1, maxLength: 4 })
        .map((all) => all.join(".")),
      part("a", "-alpha", "_b", ".rc.", "c", "-preview_", "RC").chain((word) =>
        word === "" ? fc.constant("") : part("1", "02").map((n) => word + n),
      ),
      part("-1", ".post2", "r", "-rev3", "_post"),
      part(".dev1", "dev", "-DEV_2"),
      part("+abc", "+Ubuntu-1", "+1.01_a"),
    )
    .map((all) => all.join(""))
  const name = fc.constantFrom("left-pad", "Left_Pad", "left.pad", "x", "a-2", "py-3")
  const tag = fc.constantFrom(
    "py3-none-any",
    "1-py2.py3-none-any",
    "cp312-abi3-win_amd64",
    "x-py3-none-any",
    "py3-none",
  )

  it("is what pip's own `packaging` says of it", (ctx) => {
    const options = { seed: 427, numRuns: 3000 }
    const versions = fc.sample(
      fc.oneof(version, fc.string({ unit: fc.constantFrom(..."01.-_+!abrcdevpost"), maxLength: 8 })),
      options,
    )
    const wheels = fc
      .sample(fc.tuple(name, version, tag), options)
      .map(([of, one, tags]) => [of, `${of.replace(/[-_.]+/g, "_")}-${one.replaceAll("-", "_")}-${tags}.whl`] as const)
    const sources = fc
      .sample(fc.tuple(name, version), options)
      .map(([of, one]) => [of, `${of}-${one.replaceAll("-", "_")}.tar.gz`] as const)
    let answer: { versions: (string | null)[]; wheels: (string | null)[]; sources: (string | null)[] }
    try {
      const input = JSON.stringify({
        versions,
        wheels: wheels.map(([, file]) => file),
        sources: sources.map(([, file]) => file),
      })
      answer = JSON.parse(
        execFileSync("python3", ["-c", ORACLE], { input, encoding: "utf8", stdio: ["pipe", "pipe", "ignore"] }),
      )
    } catch {
      return ctx.skip("Python's packaging 23 or newer is missing: python3 -m pip install packaging")
    }
    expect(versions.map((one) => canonicalPython(one) ?? null)).toEqual(answer.versions)
    const disagreed = [...wheels, ...sources].flatMap(([of, file], index) => {
      const theirs = [...answer.wheels, ...answer.sources][index]
      const ours = versionOfFile(file, normalisePythonName(of))
      // What `packaging` leaves out may be told here by an older rule; what it tells may not be told otherwise.
      return theirs === null || ours === theirs ? [] : [`${file}: ${ours}, packaging says ${theirs}`]
    })
    expect(disagreed).toEqual([])
    expect(answer.wheels.filter((one) => one !== null).length).toBeGreaterThan(500)
  })

  it("never throws, and comes back the same from its own spelling", () => {
    fc.assert(
      fc.property(fc.oneof(version, fc.string()), (any) => {
        const canonical = canonicalPython(any)
        if (canonical !== undefined) expect(canonicalPython(canonical)).toBe(canonical)
        const found = versionOfFile(`left-pad-${any}`, "left-pad") ?? versionOfFile(any, "left-pad")
        if (found !== undefined) expect(canonicalPython(found)).toBe(found)
      }),
    )
  })
})

const ORACLE = `
import json, sys
try:
    import packaging
    if int(packaging.__version__.split(".")[0]) < 23:
        raise ImportError
    from packaging.utils import parse_wheel_filename, parse_sdist_filename
    from packaging.version import Version
except ImportError:
    from pip._vendor.packaging.utils import parse_wheel_filename, parse_sdist_filename
    from pip._vendor.packaging.version import Version
def told(of, text):
    try:
        return str(of(text))
    except ValueError:
        return None
data = json.load(sys.stdin)
print(json.dumps({"versions": [told(Version, v) for v in data["versions"]],
  "wheels": [told(lambda f: parse_wheel_filename(f)[1], f) for f in data["wheels"]],
  "sources": [told(lambda f: parse_sdist_filename(f)[1], f) for f in data["sources"]]}))
`
