// Bringing a policy into force: signed, with its texts, in one transaction.
import { type Kysely, sql } from "kysely"
import { canonicalText } from "../audit/sealing/canonical.ts"
import { EXIT } from "../errors.ts"
import type { CompiledPolicy } from "../policy/compiled.ts"
import { Conflict } from "../store/conflict.ts"
import type { Tables } from "../store/schema.ts"
import type { Store } from "../store/types.ts"
import { adoptionMessage, invalid, lastAdoption } from "./adopted.ts"
import { readApprovers, requireApprover } from "./approvers.ts"
import { digestOf } from "./binding.ts"
import { wrongKey } from "./enrol.ts"
import { verifySignature } from "./signature.ts"
import type { PolicyText, Signer } from "./types.ts"

/** A project: the real path of the directory of nanoguard.yaml, or a name. */
const PROJECT = /^[^\p{C}\p{Zl}\p{Zp}]{1,1024}$/u

/**
 * Brings a policy into force, signed. `since` is the `lastAdoption` that the person compared it with. Errors: findings (not an
 * approver, or somebody adopted another one meanwhile), usage (project), environment.
 */
export async function adoptPolicy(
  store: Store,
  adopting: {
    project: string
    texts: readonly PolicyText[]
    policy: CompiledPolicy
    since: number
  },
  signer: Signer,
  now: number,
  gateway: string,
): Promise<{ seq: number; time: number }> {
  const { project, policy, since } = adopting
  if (!PROJECT.test(project))
    throw invalid("this is no name of a project", "one line, at most 1024 characters", EXIT.usage)
  const texts = canonicalText(adopting.texts.map(({ file, text }) => ({ file, text })))
  const [digest, { hash }] = [digestOf(texts), policy]
  const time = Math.max(now, since + 1)
  const rows = await countAdoptions(store.db, project)
  if ((await lastAdoption(store.db, project)) !== since) throw adoptedMeanwhile()
  const approver = requireApprover(await readApprovers(store.db), signer.name)
  const message = adoptionMessage({ project, hash, digest, time })
  const signature = await signer.sign(message)
  if (!verifySignature(approver.key, message, signature)) throw wrongKey(signer.name)
  const keep = sql`insert into policies (digest, texts) select ${digest}, ${texts}
    where not exists (select 1 from policies where digest = ${digest})`
  const adopt = sql`insert into adoptions (project, time, hash, digest, "by", signature)
    select ${project}, cast(${time} as bigint), ${hash}, ${digest}, ${signer.name}, ${signature}
    where (select count(*) from adoptions where project = ${project}) = ${sql.lit(rows)}`
  const event = {
    ...{ type: "policy.adopted", subject: `policy of ${project}`, gateway, by: [signer.name], policy: hash },
    detail: { files: adopting.texts.map(({ file }) => file) },
  }
  try {
    const changes = [keep.compile(store.db), { ...adopt.compile(store.db), expect: 1 }]
    const { seqs } = await store.write({ changes, events: [event] })
    return { seq: seqs[0]!, time }
  } catch (error) {
    throw error instanceof Conflict ? adoptedMeanwhile() : error
  }
}

async function countAdoptions(db: Kysely<Tables>, project: string): Promise<number> {
  const { rows } = await db
    .selectFrom("adoptions")
    .select(({ fn }) => fn.countAll<number>().as("rows"))
    .where("project", "=", project)
    .executeTakeFirstOrThrow()
  return Number(rows)
}

const adoptedMeanwhile = () =>
  invalid("somebody else adopted a policy meanwhile", "compare again, and repeat", EXIT.findings)
