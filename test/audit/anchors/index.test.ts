import { describe, expect, it } from "vitest"
import { anchorsOf, openAnchor } from "../../../src/audit/anchors/index.ts"
import { emptyHome, testContext } from "../../context.ts"

const ctx = testContext("/", { env: { HOME: "/nowhere" } })
const anchors = (value?: string) =>
  anchorsOf({ ...ctx, env: emptyHome(value === undefined ? {} : { NANOGUARD_ANCHORS: value }) })

describe("NANOGUARD_ANCHORS", () => {
  it("names none, one or several", () => {
    expect(anchors()).toEqual([])
    expect(anchors("")).toEqual([])
    const names = [
      "dir:/mnt/witness",
      "git:/srv/anchors.git",
      "git:ssh://git@example.com/anchors.git",
      "https://example.com/log",
    ]
    expect(anchors(` ${names.join(" , ")},, dir:/mnt/witness`).map(({ name }) => name)).toEqual(names)
  })

  it("of more than a few is refused", () => {
    const many = Array.from({ length: 17 }, (_, i) => `dir:/mnt/${i}`).join(",")
    expect(() => anchors(many)).toThrow(
      expect.objectContaining({ exit: 4, message: expect.stringContaining("more than 16") }),
    )
  })
})

describe("what is no anchor", () => {
  it.each([
    "/mnt/witness",
    "dir:",
    "dir:mnt/witness",
    "dir:/mnt/with space",
    "dir:/mnt/\x1b[2J",
    "ftp://example.com/",
    "http://example.com/",
    "http://127.0.0.1/",
    "https://user@example.com/",
    "https://",
    "git:",
    "git:anchors.git",
    "git:-oProxyCommand=x",
    "git:ext::sh -c x",
    "git:ext::sh",
    "git:fd::17",
    "git:http://example.com/a.git",
    "git:git://example.com/a.git",
    "git:git@example.com:a.git",
    "git:https:/example.com/a.git",
    "git:ssh://-oProxyCommand=x/a.git",
    "git:ssh://-oProxyCommand=x@example.com/a.git",
    `dir:/${"x".repeat(3000)}`,
  ])("%s", (text) => {
    expect(() => openAnchor(text, ctx)).toThrow(expect.objectContaining({ name: "NanoguardError", exit: 4 }))
  })

  it("shows no password", () => {
    for (const text of ["https://ana:hunter2@example.com/", "git:https://ana:hunter2@example.com/a.git"]) {
      let message = ""
      try {
        openAnchor(text, ctx)
      } catch (error) {
        message = String(error)
      }
      expect(message).toContain("password")
      expect(message).not.toContain("hunter2")
    }
  })
})
