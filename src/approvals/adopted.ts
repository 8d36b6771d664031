// The policy in force: the texts that a person signed, kept in the store, where no agent's checkout reaches.
import type { Kysely } from "kysely"
import { EXIT, NanoguardError } from "../errors.ts"
import { loadPolicyTexts } from "../policy/load.ts"
import type { AdoptionsTable, Tables } from "../store/schema.ts"
import { readEnrolled } from "./approvers.ts"
import { digestOf } from "./binding.ts"
import { verifySignature } from "./signature.ts"
import type { AdoptedPolicy, Approver, PolicyText } from "./types.ts"

/** Rows that nobody signed may stand before the one that counts; more than so many are an attack. */
const MAX_ROWS = 100

/**
 * The newest policy that an approver adopted for a project, compiled. Texts, hash and signature are all checked anew. Errors:
 * configuration where there is none, or where the one in force does not hold (its approver was removed, its texts are damaged).
 */
export async function adoptedPolicy(db: Kysely<Tables>, project: string): Promise<AdoptedPolicy> {
  const found = await findAdopted(db, project)
  if (found) return found
  throw invalid(`no policy is adopted for ${project}`, "a person brings it into force")
}

/** As `adoptedPolicy`; undefined where nothing was ever adopted. */
export async function findAdopted(db: Kysely<Tables>, project: string): Promise<AdoptedPolicy | undefined> {
  const newest = await newestAdoption(db, project)
  if (!newest) return undefined
  const { row, former } = newest
  if (former)
    throw invalid(
      `the policy was adopted by ${row.by}, who is no approver any more`,
      "another approver has to adopt it",
    )
  const { hash, digest, by, time } = row
  const stored = await db.selectFrom("policies").select("texts").where("digest", "=", digest).executeTakeFirst()
  if (!stored || digestOf(stored.texts) !== digest)
    throw invalid("the texts of the adopted policy are damaged", "adopt it again")
  const texts = JSON.parse(stored.texts) as PolicyText[]
  const policy = await loadPolicyTexts(texts)
  if (policy.hash !== hash)
    throw invalid("the adopted policy means something else to this version of nanoguard", "adopt it again")
  return { project, hash, texts, policy, by, time }
}

/** When a policy was adopted last for a project, whether or not it still holds; 0 where none was. */
export async function lastAdoption(db: Kysely<Tables>, project: string): Promise<number> {
  return (await newestAdoption(db, project))?.row.time ?? 0
}

/** The newest row that was signed. One by a former approver is not passed over: an older policy would come back. */
async function newestAdoption(
  db: Kysely<Tables>,
  project: string,
): Promise<{ row: AdoptionsTable; former: boolean } | undefined> {
  const rows = await db
    .selectFrom("adoptions")
    .selectAll()
    .where("project", "=", project)
    .orderBy("time", "desc")
    .limit(MAX_ROWS)
    .execute()
  if (rows.length === 0) return undefined
  const { approvers, former } = await readEnrolled(db)
  for (const row of rows) {
    const message = adoptionMessage(row)
    const signedBy = ({ name, key }: Approver) => name === row.by && verifySignature(key, message, row.signature)
    const approver = approvers.get(row.by)
    if (approver && signedBy(approver)) return { row, former: false }
    if (former.some(signedBy)) return { row, former: true }
  }
  return undefined
}

/** What is signed of an adoption. */
export const adoptionMessage = ({
  project,
  hash,
  digest,
  time,
}: Pick<AdoptionsTable, "project" | "hash" | "digest" | "time">) =>
  `nanoguard-adopt-v1\n${project}\n${hash}\n${digest}\n${time}`

/** An error that adopting a policy mends, where it is one of the configuration. */
export function invalid(message: string, hint: string, exit: 1 | 2 | 4 = EXIT.configuration): NanoguardError {
  return new NanoguardError(message, {
    exit,
    hint: exit === EXIT.configuration ? `${hint}: nanoguard policy adopt` : hint,
  })
}
