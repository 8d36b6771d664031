// What verification makes of an outside place to which others may add, and of a log that was put in the place of another one.
import { execFileSync } from "node:child_process"
import { generateKeyPairSync } from "node:crypto"
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { openAnchor } from "../../../src/audit/anchors/index.ts"
import { formatVerifier, makeSigner } from "../../../src/audit/checkpoints/note.ts"
import { auditVerify } from "../../../src/commands/audit-verify.ts"
import { processContext } from "../../../src/context.ts"
import { openStore } from "../../../src/store/open.ts"
import { emptyHome, type TestContext, temporaryDirectory, testContext } from "../../context.ts"
import { plainEvent } from "../events.ts"
import { checkpointsOf, makeLog, type TestLog, verify } from "../verify-log.ts"
import { rewriteHistory } from "./tampering.ts"

const NOBODY = Buffer.alloc(68).toString("base64")
const ZEROS = Buffer.alloc(32).toString("base64")
const forged = (origin: string, size: number) => `${origin}\n${size}\n${ZEROS}\n\n— ${origin} ${NOBODY}\n`

async function publishedTo(text: string, log: TestLog) {
  const anchor = openAnchor(text, {
    ...processContext(),
    env: { ...process.env, NANOGUARD_HOME: temporaryDirectory() },
  })
  for (const checkpoint of checkpointsOf(log)) {
    await anchor.read(log.origin, true)
    await anchor.publish(checkpoint)
  }
  return anchor
}

test("what a stranger adds to a directory hides nothing of what it holds", async () => {
  const log = await makeLog(300, [100, 200, 300])
  const directory = temporaryDirectory()
  const anchor = await publishedTo(`dir:${directory}`, log)
  const file = (size: number) =>
    join(directory, `${log.origin.slice("nanoguard/".length)}-${String(size).padStart(16, "0")}.checkpoint`)
  writeFileSync(file(9999), forged("nanoguard/other", 1))
  writeFileSync(file(9998), "x\n\n— not a signature\n")
  writeFileSync(file(9997), "x".repeat(200_000))
  symlinkSync("/dev/zero", file(9996))
  mkdirSync(file(9995))
  const clean = await verify(log, { anchors: [anchor] })
  expect(clean.problems.map(({ code }) => code)).toEqual(Array(5).fill("anchor.malformed"))
  expect(clean.anchors).toMatchObject([{ state: "consistent", checkpoints: 3, newest: 300 }])
  await rewriteHistory(log)
  expect((await verify(log, { anchors: [anchor] })).problems).toContainEqual(
    expect.objectContaining({ code: "anchor.branch", seq: 101, to: 200 }),
  )
})

test("nor does what a stranger adds to a git ref", async () => {
  const log = await makeLog(300, [100, 200, 300])
  const directory = temporaryDirectory()
  const git = (args: string[], input = "") =>
    execFileSync("git", ["-c", "user.name=x", "-c", "user.email=x@y", ...args], { cwd: directory, input })
      .toString()
      .trim()
  git(["init", "--quiet", "--bare"])
  const anchor = await publishedTo(`git:${directory}`, log)
  const ref = `refs/nanoguard/${log.origin.slice("nanoguard/".length)}`
  for (const content of [undefined, "x\n", forged("nanoguard/other", 1), "x".repeat(2_000_000)]) {
    const entry =
      content === undefined ? "" : `100644 blob ${git(["hash-object", "-w", "--stdin"], content)}\tcheckpoint\n`
    const commit = git(["commit-tree", "-m", "x", "-p", git(["rev-parse", ref]), git(["mktree"], entry)])
    git(["update-ref", ref, commit])
  }
  const clean = await verify(log, { anchors: [anchor] })
  expect(new Set(clean.problems.map(({ code }) => code))).toEqual(new Set(["anchor.malformed"]))
  expect(clean.anchors).toMatchObject([{ state: "consistent", checkpoints: 3, newest: 300 }])
  await rewriteHistory(log)
  expect((await verify(log, { anchors: [anchor] })).problems).toContainEqual(
    expect.objectContaining({ code: "anchor.branch", seq: 101, to: 200 }),
  )
})

async function write(ctx: TestContext): Promise<void> {
  const store = await openStore(ctx, { gateway: "gateway-1" })
  await store.append(plainEvent("configuration.changed"))
  await store.close()
}

async function verifyAll(env: Record<string, string>, key?: readonly string[]) {
  const json = testContext(temporaryDirectory(), { env })
  const { exit } = await auditVerify(json, { ...(key && { key }), format: "json" })
  const text = testContext(temporaryDirectory(), { env })
  await auditVerify(text, key && { key })
  return { exit, text: text.out(), report: JSON.parse(json.out()) }
}

test("another log in the place of this one is noticed by the key that was kept elsewhere, and only by that", async () => {
  const witness = temporaryDirectory()
  const env = emptyHome({ NANOGUARD_ANCHORS: `dir:${witness}` })
  await write(testContext(temporaryDirectory(), { env }))
  const before = await verifyAll(env)
  const { keys, origin } = before.report
  expect(before.report.unchecked).toMatchObject([{ code: "key.own" }])
  expect(await verifyAll(env, keys)).toMatchObject({ exit: 0, report: { keys, unchecked: [] } })
  // Root on the host: a new log under a new name, and it is published too.
  const other = emptyHome({ NANOGUARD_ANCHORS: `dir:${witness}` })
  await write(testContext(temporaryDirectory(), { env: other }))
  expect(await verifyAll(other)).toMatchObject({ exit: 0, report: { unchecked: [{ code: "key.own" }] } })
  const found = await verifyAll(other, keys)
  expect(found).toMatchObject({ exit: 1, report: { intact: false, keys } })
  expect(found.report.problems[0]).toMatchObject({ code: "key.other", what: expect.stringContaining(origin) })
  expect(found.text).toContain("is not what it was")
})

test("a key that this host made anew counts for nothing where others are named", async () => {
  const env = emptyHome()
  await write(testContext(temporaryDirectory(), { env }))
  const { origin, keys } = (await verifyAll(env)).report
  const old = formatVerifier(makeSigner(origin, generateKeyPairSync("ed25519").privateKey))
  const found = await verifyAll(env, [old])
  expect(found).toMatchObject({ exit: 1, report: { problems: [{ code: "checkpoint.signature" }] } })
  expect(await verifyAll(env, [old, ...keys])).toMatchObject({ exit: 0 })
})

test("a note that its key did not sign is said to be that, and not a log that was changed", async () => {
  const witness = temporaryDirectory()
  const env = emptyHome({ NANOGUARD_ANCHORS: `dir:${witness}` })
  await write(testContext(temporaryDirectory(), { env }))
  const { origin } = (await verifyAll(env)).report
  const name = `${origin.slice("nanoguard/".length)}-0000000000000500.checkpoint`
  writeFileSync(join(witness, name), forged(origin, 500))
  const found = await verifyAll(env)
  expect(found).toMatchObject({ exit: 1, report: { problems: [{ code: "anchor.malformed" }] } })
  expect(found.text).toContain("fits what its key signed, and an outside place holds something else")
})
