// A person at a terminal: enrols themselves, adopts a policy, looks at what waits, and decides.
import { describe, expect, test } from "vitest"
import { activeGrants } from "../../src/approvals/grants.ts"
import { openStore } from "../../src/store/open.ts"
import { ask, POLICY, PURL, question, WHO } from "../approvals/support.ts"
import { emptyHome, temporaryDirectory, testContext } from "../context.ts"
import { BIN } from "./nanoguard.ts"
import { hasTmux, openTerminal } from "./terminal.ts"

const PASS = "correct horse battery"

describe("at a terminal", () => {
  test("everything that no flag answers is asked, and no passphrase is ever shown", async (t) => {
    if (!hasTmux()) t.skip("tmux is missing: install it")
    const env = emptyHome()
    const cwd = temporaryDirectory({ "nanoguard.yaml": "version: 1\npackages: { deny: { severity: high } }\n" })
    const open = (command: string) => {
      const terminal = openTerminal(cwd, `'${process.execPath}' '${BIN}' ${command}`, env)
      t.onTestFinished(() => terminal.close())
      return terminal
    }
    const add = open("approver add ana")
    for (const question of ["New passphrase for ana's key", "Again"]) {
      await add.waitFor(question)
      add.press("-l", PASS)
      add.press("Enter")
    }
    expect(await add.waitFor("[exit 0]")).toContain("ana is an approver: SHA256:")
    expect(add.screen()).not.toContain("horse")

    const adopt = open("policy adopt")
    await adopt.waitFor("Bring this policy into force?")
    expect(adopt.screen()).toContain('+ nanoguard.yaml: packages.deny.severity "high"')
    adopt.press("y", "Enter")
    await adopt.waitFor("Passphrase of ana's key")
    adopt.press("-l", PASS)
    adopt.press("Enter")
    expect(await adopt.waitFor("[exit 0]")).toContain("is in force for")

    const ctx = testContext(cwd, { env })
    const store = await openStore(ctx, { gateway: "gw" })
    t.onTestFinished(() => store.close())
    const now = Date.now()
    const { id } = await ask(store, question(PURL, WHO, { reason: "needed" }), now)
    const { digest } = await store.db.selectFrom("approvals").select("digest").executeTakeFirstOrThrow()

    const wrong = open(`approve ${id}`)
    await wrong.waitFor("type the first 8 digits of its digest")
    expect(wrong.screen()).toMatch(/subject +pkg:npm\/esbuild@0\.25\.1\n/)
    wrong.press("-l", "00000000")
    wrong.press("Enter")
    expect(await wrong.waitFor("[exit 2]")).toContain("nothing was decided")

    const approve = open(`approve ${id}`)
    await approve.waitFor("type the first 8 digits of its digest")
    approve.press("-l", digest.slice("sha256:".length, "sha256:".length + 8))
    approve.press("Enter")
    await approve.waitFor("Passphrase of ana's key")
    approve.press("-l", "wrong passphrase")
    approve.press("Enter")
    expect(await approve.waitFor("[exit 1]")).toContain("the passphrase is not that of ana's key")

    const deny = open(`deny ${id}`)
    await deny.waitFor("To deny this")
    deny.press("C-c")
    expect(await deny.waitFor("[exit 1]")).toContain("Nothing was decided.")
    expect(await activeGrants(store.db, { policy: POLICY, ...WHO, now })).toEqual([])
  })
})
