// Answers: whose, how often, and what follows: the same on every engine.
import { spawn } from "node:child_process"
import { once } from "node:events"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { describe, expect, inject, onTestFinished, test } from "vitest"
import { answerApproval } from "../../src/approvals/answer.ts"
import { activeGrants } from "../../src/approvals/grants.ts"
import { readApproval } from "../../src/approvals/list.ts"
import { EXIT } from "../../src/errors.ts"
import { DAY, NOW } from "../context.ts"
import {
  ask,
  filter,
  HOUR,
  MINUTE,
  newPerson,
  newPlace,
  no,
  type Person,
  POLICY,
  type Prepare,
  PURL,
  question,
  records,
  WHO,
  yes,
} from "./support.ts"

/** The tests of it. */
export function describeDecisions(name: string, prepare: Prepare): void {
  describe(`decisions on ${name}`, () => {
    test("a yes grants what was asked, to whom it was asked for, for as long as it says", async (t) => {
      const { store, people } = await newPlace(prepare, t)
      const { id } = await ask(store)
      expect(await activeGrants(store.db, filter)).toEqual([])
      const answered = await answerApproval(store, id, yes({ note: "known build script" }), people[1]!, NOW, "test")
      expect(answered).toMatchObject({ state: "granted", missing: 0 })
      const grant = { id, kind: "ask", codes: ["script.unapproved"], approvers: "", expires: NOW + HOUR }
      expect(await activeGrants(store.db, filter)).toEqual([{ purl: PURL, by: ["ben"], uses: 0, grant }])
      expect(await activeGrants(store.db, { ...filter, package: "pkg:npm/esbuild" })).toHaveLength(1)
      const others = [
        { agent: "claude-2" },
        { run: "r2" },
        { run: undefined },
        { operator: "someone" },
        { now: NOW + HOUR },
        { package: "pkg:npm/esbuil" },
        { policy: { ...POLICY, hash: "sha256:other" } },
      ]
      for (const other of others) expect(await activeGrants(store.db, { ...filter, ...other })).toEqual([])
      const [event] = (await records(store)).filter(({ type }) => type === "approval.granted")
      expect(event).toMatchObject({ approval: id, subject: PURL, agent: "claude-1", policy: POLICY.hash })
      expect(event?.by).toHaveLength(1)
      expect(event?.note).toMatch(/^person:/)
    })

    test("come too late where the request expires while its signer looks for the key", async (t) => {
      const { store, people } = await newPlace(prepare, t)
      const { id, expires } = await ask(store)
      let time = NOW
      const slow = {
        ...people[0]!,
        sign: (message: string) => {
          time = Date.parse(expires)
          return people[0]!.sign(message)
        },
      }
      await expect(answerApproval(store, id, yes(), slow, time, "test", () => time)).rejects.toMatchObject({
        exit: EXIT.approvalTimeout,
      })
      expect((await readApproval(store.db, id, NOW))?.decisions).toEqual([])
    })

    test("only those who are asked decide, each once, and only what still waits", async (t) => {
      const { store, people } = await newPlace(prepare, t, ["ana", "ben", "cy", "dan"])
      const [ana, , , dan] = people as [Person, Person, Person, Person]
      const { id } = await ask(store)
      await expect(answerApproval(store, id, yes(), dan, NOW, "test")).rejects.toThrow(`dan may not decide ${id}`)
      await expect(answerApproval(store, id, yes(), newPerson("eve"), NOW, "test")).rejects.toThrow("not an approver")
      await expect(answerApproval(store, id, yes(), newPerson("ana"), NOW, "test")).rejects.toThrow("not the key")
      await expect(answerApproval(store, "ap-aaaaaaaa", yes(), ana, NOW, "test")).rejects.toMatchObject({
        exit: EXIT.usage,
      })
      await expect(answerApproval(store, id, yes({ expires: NOW }), ana, NOW, "test")).rejects.toThrow("within a year")
      await expect(answerApproval(store, id, yes({ uses: 0 }), ana, NOW, "test")).rejects.toThrow("one use")
      await answerApproval(store, id, yes(), ana, NOW, "test")
      await expect(answerApproval(store, id, no, people[1]!, NOW, "test")).rejects.toThrow(
        "decided already: it was granted",
      )
    })

    test("a no ends it, tells why, and sticks for the run", async (t) => {
      const { store, people } = await newPlace(prepare, t)
      const { id } = await ask(store)
      await answerApproval(store, id, no, people[0]!, NOW, "test")
      for (const days of [0, 1, 100]) {
        const again = await ask(store, question(), NOW + days * DAY)
        expect(again).toMatchObject({ id, state: "denied", note: "use got instead" })
      }
      expect(await ask(store, question(PURL, { ...WHO, run: "r2" }))).toMatchObject({ state: "pending" })
      // Without runs there is no end of one: it holds for a day.
      const alone = question(PURL, { agent: "local" })
      const denied = await ask(store, { ...alone, run: undefined })
      await answerApproval(store, denied.id, no, people[0]!, NOW, "test")
      expect(await ask(store, { ...alone, run: undefined }, NOW + HOUR)).toMatchObject({ state: "denied" })
      expect(await ask(store, { ...alone, run: undefined }, NOW + 2 * DAY)).toMatchObject({ state: "pending" })
    })

    test("where two must agree, two people do; either's no ends it", async (t) => {
      const { store, people } = await newPlace(prepare, t)
      const [ana, ben] = people as [Person, Person]
      const both = question("pkg:npm/better-sqlite3@12.0.0")
      expect(both.approvers).toEqual({ group: "two", people: ["ana", "ben"], quorum: 2 })
      const { id } = await ask(store, both)
      expect(await answerApproval(store, id, yes({ uses: 3 }), ana, NOW, "test")).toMatchObject({
        state: "pending",
        missing: 1,
      })
      await expect(answerApproval(store, id, yes(), ana, NOW, "test")).rejects.toThrow("ana has answered")
      expect(await activeGrants(store.db, filter)).toEqual([])
      // The narrower of both terms is what they agree on.
      const end = NOW + 10 * MINUTE
      expect(await answerApproval(store, id, yes({ expires: end, scope: "agent" }), ben, NOW, "test")).toMatchObject({
        state: "granted",
      })
      expect(await activeGrants(store.db, filter)).toMatchObject([
        { by: ["ana", "ben"], limit: 3, grant: { expires: end } },
      ])
      expect(await activeGrants(store.db, { ...filter, run: "r2" })).toEqual([])
      const second = await ask(store, question("pkg:npm/better-sqlite3@12.0.1"))
      await answerApproval(store, second.id, yes(), ana, NOW, "test")
      expect(await answerApproval(store, second.id, no, ben, NOW, "test")).toMatchObject({ state: "denied" })
      expect(
        (await records(store)).map(({ type }) => type).filter((type) => /agreed|granted|denied/.test(type)),
      ).toEqual([...["approval.agreed", "approval.granted", "approval.agreed", "approval.denied"]])
    })

    test("happen once, however many decide at the same time", async (t) => {
      const { store, open, people } = await newPlace(prepare, t)
      const stores = [store, await open("two"), await open("three")]
      for (let round = 0; round < 5; round++) {
        const { id } = await ask(store, question(`pkg:npm/esbuild@1.0.${round}`))
        const results = await Promise.allSettled(
          stores.map((place, i) => answerApproval(place, id, i === round % 3 ? no : yes(), people[i]!, NOW, "test")),
        )
        expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1)
        const decided = await readApproval(store.db, id, NOW)
        expect(decided?.decisions).toHaveLength(1)
      }
      // Two of two at once: both count, and the second one grants.
      const { id } = await ask(store, question("pkg:npm/better-sqlite3@12.0.0"))
      const both = await Promise.all(
        stores.slice(0, 2).map((place, i) => answerApproval(place, id, yes(), people[i]!, NOW, "test")),
      )
      expect(both.map(({ state }) => state).sort()).toEqual(["granted", "pending"])
    })

    test("happen once among processes, too", async (t) => {
      const { ctx, store, people } = await newPlace(prepare, t)
      const ids: string[] = []
      for (let i = 0; i < 6; i++) ids.push((await ask(store, question(`pkg:npm/esbuild@2.0.${i}`))).id)
      const program = fileURLToPath(new URL("decider.js", inject("programs")))
      const children = people.map(({ name, pkcs8 }) => {
        const child = spawn(process.execPath, [program, name, pkcs8, String(NOW), ...ids], {
          env: ctx.env as NodeJS.ProcessEnv,
          stdio: ["pipe", "pipe", "inherit"],
        })
        onTestFinished(() => void child.kill("SIGKILL"))
        const lines: string[] = []
        const reader = createInterface({ input: child.stdout })
        const ready = once(reader, "line")
        reader.on("line", (line) => lines.push(line))
        return { child, lines, ready, ended: Promise.all([once(child, "exit"), once(reader, "close")]) }
      })
      await Promise.all(children.map(({ ready }) => ready))
      for (const { child } of children) child.stdin.write("go\n")
      await Promise.all(children.map(({ ended }) => ended))
      const lines = children.flatMap((one) => one.lines).filter((line) => line !== "ready")
      expect(lines).toHaveLength(people.length * ids.length)
      expect(lines.filter((line) => line.startsWith("decided ")).sort()).toEqual(
        ids.map((id) => `decided ${id}`).sort(),
      )
      expect(await activeGrants(store.db, filter)).toHaveLength(ids.length)
    })
  })
}
