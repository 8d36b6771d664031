import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { formOf } from "../../../../src/gateway/protocols/pypi/accept.ts"
import { pypiProtocol } from "../../../../src/gateway/protocols/pypi/index.ts"
import { planOf } from "./page.ts"

const read = (path: string, { method = "GET", accept = "" } = {}) =>
  pypiProtocol.read({ method, path, query: "", accept })

describe("a request below the PyPI mount", () => {
  it("asks for a project in any spelling, by one name", () => {
    for (const path of ["/simple/left-pad/", "/simple/Left_Pad/", "/simple/LEFT.-_pad", "/simple/left-pad"])
      expect(read(path), path).toEqual({ kind: "listing", name: "left-pad", form: "text" })
    expect(read("/simple/x/", { method: "HEAD" })).toMatchObject({ name: "x" })
  })

  it("asks for a file, or the metadata beside it, and says which version that is", () => {
    const artifact = (version: string, file: string) => ({ kind: "artifact", name: "left-pad", version, file })
    for (const [version, name] of [
      ["1.0", "left_pad-1.0-py3-none-any.whl"],
      ["1.0", "left_pad-1.0-py3-none-any.whl.metadata"],
      ["1.0rc1", "Left.Pad-1.0-RC.1.tar.gz"],
      ["1.0.post1", "left_pad-1.0_1-7-py2.py3-none-any.whl"],
      ["0.9", "left-pad-0.9.win32-py2.7.exe"],
    ] as const)
      expect(read(`/files/left-pad/${name}`), name).toEqual(artifact(version, name))
    // pip encodes both characters, uv neither, and our own addresses one of them.
    for (const path of ["left_pad-1!2.0+a.1.tar.gz", "left_pad-1%212.0%2Ba.1.tar.gz", "left_pad-1!2.0%2ba.1.tar.gz"])
      expect(read(`/files/left-pad/${path}`)).toEqual(artifact("1!2.0+a.1", "left_pad-1!2.0+a.1.tar.gz"))
  })

  it("reads an address that spells a refusal as the file that it stands for", () => {
    const plan = planOf()
    for (const [version, file] of [
      ["2.0", "left_pad-2.0-py3-none-any.whl"],
      ["1!2.0+a.1", "left_pad-1!2.0+a.1.tar.gz"],
    ] as const) {
      const path = plan.blockedPath("left-pad", version, file)
      expect(read(path)).toEqual({ kind: "artifact", name: "left-pad", version, file })
      expect(read(`${path}.metadata`)).toMatchObject({ version, file: `${file}.metadata` })
    }
    // The version in it is no other one than the file's.
    expect(read("/-/blocked/x/use-1.0/left-pad/1.0/left_pad-2.0.tar.gz")).toBeUndefined()
    expect(read("/-/blocked/x/left-pad/2.0/left_pad-2.0.tar.gz")).toBeUndefined()
  })

  it("says what it does not do, instead of leaving it unknown", () => {
    for (const path of ["/simple/", "/simple", "/pypi/left-pad/json", "/pypi/left-pad/1.0/json", "/search/", "/search"])
      expect(read(path), path).toMatchObject({ kind: "unsupported" })
    for (const path of ["/", "/legacy/", "/pypi"])
      expect(read(path, { method: "POST" })).toMatchObject({ kind: "unsupported" })
    expect(read("/simple/x/", { method: "DELETE" })).toBeUndefined()
  })

  it("knows no path that is a trick", () => {
    for (const path of [
      "",
      "simple/x/",
      "//simple/x/",
      "/simple//x/",
      "/simple/x//",
      "/simple/../x/",
      "/simple/./",
      "/simple/%2e%2e/",
      "/simple/a%2fb/",
      "/simple/a%5cb/",
      "/simple/a%00/",
      "/simple/a%252b/",
      "/simple/a\\b/",
      "/simple/a;b/",
      "/simple/-a/",
      "/simple/a-/",
      "/simple/ä/",
      "/simple/x/json",
      `/simple/${"x".repeat(215)}/`,
      `/simple/${"x/".repeat(3000)}`,
      "/SIMPLE/x/",
      "/simple/left-pad+x/",
      "/files/left-pad/left-pad-1.0.tar.gz/",
      "/files/Left-Pad/left-pad-1.0.tar.gz",
      "/files/left-pad/left-pad-1.0.tar.gz/..",
      "/files/left-pad/..%2fleft-pad-1.0.tar.gz",
      "/files/left-pad/right-pad-1.0.tar.gz",
      "/files/left-pad/left-pad-1.0.tar.gz.metadata.metadata",
      "/files/left-pad/left-pad-1.0.tar.gz.asc",
      "/files/left-pad/left-pad-.tar.gz",
      "/files/left-pad/.metadata",
      "/files/left-pad/left-pad-1.0%0d%0a.tar.gz",
      "/-/blocked/x/y/left-pad/1.0/../left_pad-1.0.tar.gz",
      "/-/",
      "/-",
    ])
      expect(read(path), path).toBeUndefined()
  })

  it("gives names and files of plain characters alone, whatever is asked", () => {
    const word = fc.oneof(
      fc.constantFrom(
        "simple",
        "files",
        "-",
        "blocked",
        "left-pad",
        "left_pad-1.0.tar.gz",
        "..",
        ".",
        "",
        "json",
        "pypi",
        "1.0",
      ),
      fc.constantFrom("%2e", "%2F", "%21", "%2b", "%25", "\u202e", "\0", " ", "?", "#"),
      fc.string({ maxLength: 6 }),
    )
    const path = fc.array(
      fc.array(word, { maxLength: 2 }).map((words) => words.join("")),
      { maxLength: 8 },
    )
    fc.assert(
      fc.property(path, (segments) => {
        const request = read(`/${segments.join("/")}`)
        if (request?.kind === "listing" || request?.kind === "artifact")
          expect(request.name).toMatch(/^[a-z0-9]+(?:-[a-z0-9]+)*$/)
        if (request?.kind !== "artifact") return
        expect(request.version).toMatch(/^[0-9][A-Za-z0-9.+!]*$/)
        expect(request.file).toMatch(/^[A-Za-z0-9_][A-Za-z0-9._+!-]*$/)
      }),
      { numRuns: 2000 },
    )
  })
})

describe("the form of a page", () => {
  it.each([
    // pip and uv, as they ask.
    ["application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01", "json"],
    ["application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01", "json"],
    ["application/vnd.pypi.simple.latest+json", "json"],
    ["application/vnd.pypi.simple.v1+html", "html"],
    ["text/html", "text"],
    ["*/*", "text"],
    ["", "text"],
    ["application/json", "text"],
    ["application/vnd.pypi.simple.v2+json", "text"],
    ["text/html;q=0.5, application/vnd.pypi.simple.v1+json;q=0.4", "text"],
    ["application/vnd.pypi.simple.v1+json;q=0, text/html", "text"],
    ["application/vnd.pypi.simple.v1+json;q=9, application/vnd.pypi.simple.v1+html;q=0.001", "html"],
    ["APPLICATION/VND.PYPI.SIMPLE.V1+JSON ; Q=1", "json"],
  ])("%s is %s", (accept, form) => {
    expect(formOf(accept)).toBe(form)
  })

  it("never throws", () => {
    fc.assert(fc.property(fc.string({ maxLength: 4000 }), (accept) => void formOf(accept)))
  })
})
