import { describe, expect, test } from "vitest"
import { adoptPolicy } from "../../src/approvals/adopt.ts"
import { adoptedPolicy, findAdopted, lastAdoption } from "../../src/approvals/adopted.ts"
import { removeApprover } from "../../src/approvals/enrol.ts"
import { EXIT } from "../../src/errors.ts"
import { loadLayers } from "../../src/policy/load.ts"
import { NOW } from "../context.ts"
import { change, newPerson, newPlace, type Prepare, records } from "./support.ts"

/** The tests of it. */
export function describeAdoption(name: string, prepare: Prepare): void {
  describe(`the policy in force on ${name}`, () => {
    const texts = (severity: string) => [
      { file: "nanoguard.yaml", text: `version: 1\npackages: { deny: { severity: ${severity} } }\n` },
    ]
    const adopting = (severity: string, since = 0) => ({
      project: "/srv/acme",
      texts: texts(severity),
      policy: loadLayers(texts(severity)),
      since,
    })

    test("is the newest that an approver signed", async (t) => {
      const { store, people } = await newPlace(prepare, t)
      await expect(adoptedPolicy(store.db, "/srv/acme")).rejects.toMatchObject({
        exit: EXIT.configuration,
        hint: expect.stringContaining("nanoguard policy adopt"),
      })
      await adoptPolicy(store, adopting("high"), people[0]!, NOW, "test")
      const first = await adoptedPolicy(store.db, "/srv/acme")
      expect(first).toMatchObject({ by: "ana", time: NOW, hash: loadLayers(texts("high")).hash, texts: texts("high") })
      // By a clock that stands still.
      await adoptPolicy(store, adopting("low", await lastAdoption(store.db, "/srv/acme")), people[1]!, NOW, "test")
      expect(await adoptedPolicy(store.db, "/srv/acme")).toMatchObject({
        by: "ben",
        texts: texts("low"),
        time: NOW + 1,
      })
      expect(await findAdopted(store.db, "/srv/other")).toBeUndefined()
      const events = (await records(store)).filter(({ type }) => type === "policy.adopted")
      expect(events.map(({ policy }) => policy)).toEqual([
        loadLayers(texts("high")).hash,
        loadLayers(texts("low")).hash,
      ])
    })

    test("is compared with what is in force, not with what was", async (t) => {
      const { store, people } = await newPlace(prepare, t)
      await adoptPolicy(store, adopting("high"), people[0]!, NOW, "test")
      await expect(adoptPolicy(store, adopting("low"), people[0]!, NOW, "test")).rejects.toThrow("meanwhile")
      const since = await lastAdoption(store.db, "/srv/acme")
      const both = await Promise.allSettled(
        ["low", "critical"].map((one) => adoptPolicy(store, adopting(one, since), people[0]!, NOW, "test")),
      )
      expect(both.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"])
    })

    test("is not what somebody wrote into the tables, nor an older one once its approver is gone", async (t) => {
      const { store, people } = await newPlace(prepare, t)
      await adoptPolicy(store, adopting("high"), people[0]!, NOW, "test")
      await adoptPolicy(store, adopting("medium", NOW), people[1]!, NOW, "test")
      // An old, true signature under a new time; and one of nobody.
      const again = `insert into adoptions select project, ${NOW + 9}, hash, digest, "by", signature from adoptions where time = ${NOW}`
      const forged = `insert into adoptions values ('/srv/acme', ${NOW + 10}, 'sha256:x', 'sha256:x', 'ana', 'ed25519:AAAA')`
      await store.write({ changes: [change(store, again), change(store, forged)] })
      expect(await adoptedPolicy(store.db, "/srv/acme")).toMatchObject({ by: "ben", texts: texts("medium") })
      await removeApprover(store, "ben", people[0]!, NOW, "test")
      await expect(adoptedPolicy(store.db, "/srv/acme")).rejects.toThrow("adopted by ben, who is no approver any more")
      await adoptPolicy(store, adopting("low", NOW + 1), people[0]!, NOW, "test")
      expect(await adoptedPolicy(store.db, "/srv/acme")).toMatchObject({ by: "ana", texts: texts("low") })
    })

    test("needs an approver", async (t) => {
      const { store } = await newPlace(prepare, t)
      await expect(adoptPolicy(store, adopting("high"), newPerson("eve"), NOW, "test")).rejects.toThrow(
        "eve is not an approver",
      )
      await expect(adoptPolicy(store, adopting("high"), newPerson("ana"), NOW, "test")).rejects.toThrow("not the key")
      const named = { ...adopting("high"), project: "a\nb" }
      await expect(adoptPolicy(store, named, newPerson("ana"), NOW, "test")).rejects.toMatchObject({ exit: EXIT.usage })
    })
  })
}
