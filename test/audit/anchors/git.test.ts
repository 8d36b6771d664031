import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { describe, expect, it } from "vitest"
import { openAnchor } from "../../../src/audit/anchors/index.ts"
import { publishTo } from "../../../src/audit/anchors/publish.ts"
import { emptyHome, type TestContext, temporaryDirectory, testContext } from "../../context.ts"
import { describeRepository, type Kind, needGit, repository } from "./git-repository.ts"
import { makeLog, ORIGIN } from "./log.ts"

const REF = "refs/nanoguard/0123abcd4567ef89"
const log = makeLog(1200)

needGit()

// By URL in test/long.
describeRepository("path")

describe.each<Kind>(["path", "url"])("a git repository by %s", (kind) => {
  it("runs none of its programs", async () => {
    const { path, git, open } = await repository()
    const mark = join(temporaryDirectory(), "ran")
    const program = join(path, "program")
    writeFileSync(program, `#!/bin/sh\necho "$0" >> ${mark}\n`)
    chmodSync(program, 0o755)
    mkdirSync(join(path, "hooks"), { recursive: true })
    for (const hook of [
      "reference-transaction",
      "pre-receive",
      "update",
      "post-receive",
      "post-update",
      "pre-push",
      "pre-auto-gc",
    ]) {
      writeFileSync(join(path, "hooks", hook), `#!/bin/sh\necho ${hook} >> ${mark}\n`)
      chmodSync(join(path, "hooks", hook), 0o755)
    }
    for (const name of [
      "core.fsmonitor",
      "core.sshCommand",
      "gpg.program",
      "core.pager",
      "core.alternateRefsCommand",
      "uploadpack.packObjectsHook",
    ]) {
      await git("config", name, program)
    }
    await git("config", "log.showSignature", "true")
    await git("config", "commit.gpgSign", "true")
    for (const size of [3, 4]) await publishTo(open(kind), log.at(size), log.prove)
    expect(await open(kind).read(ORIGIN)).toHaveLength(2)
    expect(existsSync(mark) ? readFileSync(mark, "utf8") : "").toBe("")
  })

  it("that is not there is an error of the environment", async () => {
    const directory = temporaryDirectory()
    const missing = join(directory, "missing.git")
    const name = `git:${kind === "path" ? missing : pathToFileURL(missing)}`
    const anchor = openAnchor(name, testContext("/", { env: emptyHome() }))
    await expect(publishTo(anchor, log.at(9), log.prove)).rejects.toMatchObject({ name: "AnchorError", exit: 5 })
    expect(readdirSync(directory)).toEqual([])
  })

  it("is not led elsewhere by the environment", async () => {
    const [meant, elsewhere] = [await repository(), await repository()]
    const hostile = {
      GIT_DIR: elsewhere.path,
      GIT_OBJECT_DIRECTORY: join(elsewhere.path, "objects"),
      GIT_NAMESPACE: "other",
      GIT_CONFIG_COUNT: "1",
      GIT_CONFIG_KEY_0: `url.${elsewhere.path}.insteadOf`,
      GIT_CONFIG_VALUE_0: meant.path,
    }
    const ctx = testContext("/", { env: { ...emptyHome(), ...hostile } })
    await publishTo(openAnchor(meant.open(kind).name, ctx), log.at(9), log.prove)
    expect(await meant.git("for-each-ref", "--format=%(refname)")).toBe(REF)
    expect(await elsewhere.git("for-each-ref")).toBe("")
  })
})

describe("a git repository", () => {
  it("has a commit for each checkpoint, the same wherever it is made", async () => {
    const [a, b] = [await repository(), await repository()]
    for (const { open } of [a, b]) {
      for (const size of [3, 4]) await publishTo(open("path"), log.at(size), log.prove)
    }
    expect(await a.git("rev-parse", REF)).toBe(await b.git("rev-parse", REF))
    expect(await a.git("log", "--format=%an <%ae> %at %s", REF)).toBe(
      `nanoguard <nanoguard@localhost> 0 ${ORIGIN} at 4\nnanoguard <nanoguard@localhost> 0 ${ORIGIN} at 3`,
    )
    expect(await a.git("ls-tree", "--name-only", REF)).toBe("checkpoint")
    expect(`${await a.git("show", `${REF}~:checkpoint`)}\n`).toBe(log.at(3).note)
    expect(await a.git("fsck", "--strict")).toBe("")
  })

  it("that was put back to an older state gets the newer one again", async () => {
    const { git, open } = await repository()
    for (const size of [3, 4, 5]) await publishTo(open("path"), log.at(size), log.prove)
    await git("update-ref", REF, `${REF}~2`)
    expect(await publishTo(open("path"), log.at(6), log.prove)).toEqual({ published: true, before: 3, size: 6 })
    expect((await open("path").read(ORIGIN)).map(({ size }) => size)).toEqual([3, 6])
  })

  it("is not written where a split view came in between", async () => {
    const { ctx, open, path } = await repository()
    await publishTo(open("path"), log.at(3), log.prove)
    const rewritten = makeLog(1200, 3)
    const other = openAnchor(`git:${path}`, testContext("/", { env: emptyHome() }))
    let once = true
    const racing: TestContext = {
      ...ctx,
      exec: async (file, args, options) => {
        if (once && args.includes("commit-tree")) {
          once = false
          await publishTo(other, rewritten.at(4), rewritten.prove)
        }
        return ctx.exec(file, args, options)
      },
    }
    const attempt = publishTo(openAnchor(open("path").name, racing), log.at(9), log.prove)
    await expect(attempt).rejects.toMatchObject({ name: "SplitView", published: { size: 4 } })
    expect((await open("path").read(ORIGIN)).map(({ size }) => size)).toEqual([3, 4])
  })

  it("is not believed where its ref holds something else", async () => {
    const { git, open } = await repository("--object-format=sha1")
    const empty = await git("hash-object", "-w", "-t", "tree", "/dev/null")
    const person = ["-c", "user.name=x", "-c", "user.email=x@example.com"]
    await git("update-ref", REF, await git(...person, "commit-tree", "-m", "x", empty))
    const attempt = publishTo(open("path"), log.at(9), log.prove)
    await expect(attempt).rejects.toMatchObject({
      name: "NoteError",
      message: expect.stringContaining("without a checkpoint"),
    })
  })

  it("of one that refuses: the error names the ref, and nothing is lost", async () => {
    const { git, open } = await repository()
    await publishTo(open("url"), log.at(3), log.prove)
    await git("config", "receive.hideRefs", "refs/nanoguard")
    await git("config", "uploadpack.hideRefs", "!refs/nanoguard")
    await expect(publishTo(open("url"), log.at(4), log.prove)).rejects.toMatchObject({ name: "AnchorError", exit: 5 })
    expect(await git("show", "--no-patch", "--format=%s", REF)).toBe(`${ORIGIN} at 3`)
  })

  it("in SHA-256 serves by path as well", async () => {
    const { open } = await repository("--object-format=sha256")
    for (const size of [3, 4]) await publishTo(open("path"), log.at(size), log.prove)
    expect(await open("path").read(ORIGIN)).toHaveLength(2)
  })
})
