// What a Containerfile may say before it is built: nothing that reaches past the gate, or means another thing than it says.
import { describe, expect, test } from "vitest"
import { EXIT } from "../../../src/errors.ts"
import { isPinned, readContainerfile, replaceBase } from "../../../src/sandbox/image/containerfile.ts"
import { planImage } from "../../../src/scaffold/image.ts"
import { imageOf, readFlags } from "../../../src/scaffold/options.ts"
import { temporaryDirectory, testContext } from "../../context.ts"

const DIGEST = `sha256:${"ab".repeat(32)}`

describe("a Containerfile", () => {
  test("as init writes it is read as it is meant", async () => {
    const { wanted, notes } = await planImage(
      testContext(temporaryDirectory()),
      "node:24-bookworm",
      ["claude", "codex"],
      [],
    )
    const file = readContainerfile("whole" in wanted ? wanted.whole : "")
    expect(file).toMatchObject({
      bases: ["node:24-bookworm"],
      install: ["@anthropic-ai/claude-code", "@openai/codex"],
    })
    // A digest that nobody here knows is not made up.
    expect(file.text).not.toContain("node:24-bookworm@sha256:a")
    expect(notes).toEqual([expect.stringContaining("not pinned")])
    const pinned = replaceBase(file, "node:24-bookworm", `node@${DIGEST}`)
    expect(readContainerfile(pinned).bases).toEqual([`node@${DIGEST}`])
    expect(isPinned(`node@${DIGEST}`)).toBe(true)
    expect(isPinned("node:24-bookworm")).toBe(false)
    expect(isPinned(`node@${DIGEST}0`)).toBe(false)
  })

  test("may have stages, several lines and steps without a network", () => {
    const text = `FROM node@${DIGEST} AS tools\nRUN node \\\n  --version\nFROM ${DIGEST}\nCOPY --from=tools /a /b\nUSER 1000\n`
    expect(readContainerfile(text).bases).toEqual([`node@${DIGEST}`, DIGEST])
  })

  test.each([
    ["fetches an address", "FROM a\nADD https://files.example/x /x"],
    ["copies from an image", "FROM a\nCOPY --from=other:latest /x /x"],
    ["copies from an image, over two lines", "FROM a\nCOPY \\\n --from=other /x /x"],
    ["gives a step the network", "FROM a\nRUN --network=host curl files.example"],
    ["gives a step a secret", "FROM a\nRUN --mount=type=secret,id=x cat /run/secrets/x"],
    ["acts in other builds", "FROM a\nONBUILD RUN x"],
    ["names another syntax", "# syntax=evil.example/frontend\nFROM a"],
    ["has a base by variable", "ARG B=a\nFROM $" + "{B}"],
    ["has a base by option", "FROM --platform=linux/s390x a"],
    ["has a here-document", "FROM a\nRUN <<EOF\ncurl x\nEOF"],
    ["has no base", "LABEL a=b"],
    ["is huge", `FROM a\n${"#\n".repeat(40_000)}`],
    ["installs from a path", 'FROM a\nLABEL nanoguard.install="../evil"'],
    ["installs from an address", 'FROM a\nLABEL nanoguard.install="https://files.example/a.tgz"'],
    ["installs by an option", 'FROM a\nLABEL nanoguard.install="--registry=http://files.example"'],
    ["installs an alias", 'FROM a\nLABEL nanoguard.install="a@npm:evil"'],
  ])("is refused where it %s", (_, text) => {
    expect(() => readContainerfile(text)).toThrow(expect.objectContaining({ exit: EXIT.configuration }))
  })
})

describe("init's answers", () => {
  test("propose an image where an agent comes from npm, and take no for an answer", () => {
    expect(imageOf(["claude"], {})).toEqual({ image: "node:24-bookworm" })
    expect(imageOf(["nanoclaw"], {})).toEqual({})
    expect(imageOf(["claude"], readFlags({ image: false }))).toEqual({})
    expect(imageOf([], readFlags({ image: "base@sha256:0" }))).toEqual({ image: "base@sha256:0" })
  })

  test.each(["-v /:/host", "a b", "a\nRUN x", ""])("refuse %j as a base", (image) => {
    expect(() => readFlags({ image })).toThrow(expect.objectContaining({ exit: EXIT.usage }))
  })
})
