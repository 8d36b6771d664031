// `nanoguard approver`: enrolling people, with keys of ours and of OpenSSH.
import { execFileSync, spawnSync } from "node:child_process"
import { cpSync, existsSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, test } from "vitest"
import { addApprover } from "../../src/approvals/enrol.ts"
import { EXIT } from "../../src/errors.ts"
import { newPerson } from "../approvals/support.ts"
import { newDesk } from "../commands/approvals.ts"
import { NOW } from "../context.ts"

const ANA = ["--as", "ana", "--passphrase-file", "pass.txt"]

describe("approver add", () => {
  test("makes the root of trust, then takes others on a signature", async () => {
    const { run, env } = newDesk()
    const first = await run(["approver", "add", "ana", "--passphrase-file", "pass.txt"])
    expect(first.out).toMatch(
      /^ana is an approver: SHA256:[\w+/]{43}\n {2}the first of this store, and so the root of its trust/,
    )
    const keys = join(env["NANOGUARD_HOME"]!, "config", "keys")
    expect(existsSync(join(keys, "ana.json"))).toBe(true)
    const second = await run([
      "approver",
      "add",
      "ben",
      "--new-passphrase-file",
      "other.txt",
      ...ANA,
      "--format",
      "json",
    ])
    expect(second.json()).toMatchObject({ state: "added", name: "ben", by: "ana", root: false })
    const list = await run(["approver", "list", "--format", "json"])
    expect(list.json()).toMatchObject({
      approvers: [
        { name: "ana", by: "ana" },
        { name: "ben", by: "ana" },
      ],
    })
    const text = await run(["approver", "list"])
    expect(text.out.split("\n")).toEqual([
      expect.stringMatching(/^ana {2}SHA256:\S+ {2}since 2026-11-21 {2}root of trust$/),
      expect.stringMatching(/^ben {2}SHA256:\S+ {2}since 2026-11-21 {2}enrolled by ana$/),
      "",
    ])
  })

  test("takes a key that is theirs already", async () => {
    const { run, enrol, env } = newDesk()
    await enrol("ana")
    const other = { ...env, NANOGUARD_HOME: join(env["NANOGUARD_HOME"]!, "other") }
    cpSync(join(env["NANOGUARD_HOME"]!, "config"), join(other.NANOGUARD_HOME, "config"), { recursive: true })
    Object.assign(env, other)
    const added = await run(["approver", "add", "ana", "--passphrase-file", "pass.txt", "--format", "json"])
    expect(added.json()).toMatchObject({ state: "added", root: true })
    expect(added.json()).not.toHaveProperty("file")
  })

  test("keeps no key of somebody who was not enrolled", async () => {
    const { run, env, enrol } = newDesk()
    await enrol("ana")
    const wrong = await run([
      "approver",
      "add",
      "eve",
      "--new-passphrase-file",
      "other.txt",
      "--as",
      "ana",
      "--passphrase-file",
      "other.txt",
    ])
    expect([wrong.exit, wrong.err]).toEqual([
      EXIT.findings,
      expect.stringContaining("the passphrase is not that of ana's key"),
    ])
    expect(existsSync(join(env["NANOGUARD_HOME"]!, "config", "keys", "eve.json"))).toBe(false)
    const unknown = await run(["approver", "add", "eve", "--new-passphrase-file", "other.txt", "--as", "eve"])
    expect([unknown.exit, unknown.err]).toEqual([EXIT.findings, expect.stringContaining("eve is not an approver")])
    expect((await run(["approver", "list", "--format", "json"])).json()).toMatchObject({ approvers: [{ name: "ana" }] })
  })

  test("asks nobody where there is no terminal, and names the flag", async () => {
    const { run } = newDesk()
    const bare = await run(["approver", "add", "ana"])
    expect([bare.exit, bare.err]).toEqual([EXIT.usage, expect.stringContaining("add --passphrase-file <file>")])
    const name = await run(["approver", "add", "a b", "--passphrase-file", "pass.txt"])
    expect([name.exit, name.err]).toEqual([EXIT.usage, expect.stringContaining("no name of an approver")])
    const list = await run(["approver", "list"])
    expect([list.exit, list.out]).toEqual([
      EXIT.nothingChecked,
      "Nobody may decide yet: nanoguard approver add <name>\n",
    ])
  })

  test("takes an OpenSSH key, which then signs through ssh-keygen", async (t) => {
    const { run, cwd } = newDesk()
    if (spawnSync("ssh-keygen", ["-?"]).error) t.skip("ssh-keygen is missing: install OpenSSH's client")
    for (const name of ["ana", "ben"])
      execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(cwd, name)])
    const first = await run(["approver", "add", "ana", "--key", "ana.pub"])
    const shown = execFileSync("ssh-keygen", ["-l", "-f", join(cwd, "ana.pub")])
      .toString()
      .split(" ")[1]!
    expect(first.out).toContain(`ana is an approver: ${shown}\n`)
    const second = await run(["approver", "add", "ben", "--key", "ben.pub", "--sign-with", "ana"])
    expect(second.out).toContain("signed by ana")
    const wrong = await run(["approver", "add", "cy", "--key", "ben.pub", "--as", "ana", "--sign-with", "ben"])
    expect([wrong.exit, wrong.err]).toEqual([EXIT.findings, expect.stringContaining("this key is another approver's")])
  })
})

describe("approver remove", () => {
  test("asks first, and wants an approver's signature", async () => {
    const { run, enrol, open } = newDesk()
    const ana = await enrol("ana")
    await addApprover(await open(), newPerson("ben"), ana, NOW, "test")
    expect(await run(["approver", "remove", "ben", ...ANA])).toMatchObject({ exit: EXIT.usage })
    const removed = await run(["approver", "remove", "ben", "--yes", ...ANA])
    expect([removed.exit, removed.out]).toEqual([
      EXIT.ok,
      expect.stringMatching(/^ben is no approver any more: SHA256:/),
    ])
    expect(await run(["approver", "remove", "ana", "--yes", ...ANA])).toMatchObject({
      exit: EXIT.findings,
      err: expect.stringContaining("the last approver"),
    })
    expect(await run(["approver", "remove", "ben", "--yes", ...ANA])).toMatchObject({ exit: EXIT.findings })
  })
})
