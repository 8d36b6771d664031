// A project whose policy is in force, and no gate: for commands that join one.
import { realpathSync } from "node:fs"
import { adoptPolicy } from "../../src/approvals/adopt.ts"
import { addApprover } from "../../src/approvals/enrol.ts"
import { loadPolicyTexts } from "../../src/policy/load.ts"
import { openStore } from "../../src/store/open.ts"
import { newPerson } from "../approvals/support.ts"
import { emptyHome, NOW, temporaryDirectory, testContext } from "../context.ts"

/** The context of a command there; `text` is the policy. */
export async function adoptedProject(text: string, env: Record<string, string> = {}) {
  const cwd = realpathSync(temporaryDirectory({ "nanoguard.yaml": text }))
  const ctx = testContext(cwd, { env: emptyHome(env) })
  const store = await openStore(ctx, { gateway: "test" })
  const ana = newPerson("ana")
  await addApprover(store, ana, ana, NOW, "test")
  const texts = [{ file: "nanoguard.yaml", text }]
  await adoptPolicy(store, { project: cwd, texts, policy: await loadPolicyTexts(texts), since: 0 }, ana, NOW, "test")
  await store.close()
  return ctx
}
