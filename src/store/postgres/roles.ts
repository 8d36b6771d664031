// Who may do what. Three group roles without login; a person or gateway is granted one of them. The owner of the database makes
// them and migrates, and is nobody's everyday login.
import type { Client } from "pg"
import { EXIT, NanoguardError } from "../../errors.ts"
import { codeOf } from "./errors.ts"

export const ROLES = ["nanoguard_writer", "nanoguard_reader", "nanoguard_eraser"] as const
type Role = (typeof ROLES)[number]

const READ = "SELECT"
const ADD = "SELECT, INSERT"
const DERIVE = "SELECT, INSERT, UPDATE, DELETE, TRUNCATE"

/** Every table, and what each role may do with it; the reader may read all of them. A table that is not here is closed to all. */
const RIGHTS: Readonly<Record<string, Readonly<Record<Exclude<Role, "nanoguard_reader">, string>>>> = {
  events: { nanoguard_writer: ADD, nanoguard_eraser: `${ADD}, DELETE` },
  people: { nanoguard_writer: ADD, nanoguard_eraser: `${ADD}, DELETE` },
  checkpoints: { nanoguard_writer: ADD, nanoguard_eraser: ADD },
  publications: { nanoguard_writer: ADD, nanoguard_eraser: ADD },
  settings: { nanoguard_writer: READ, nanoguard_eraser: "SELECT, UPDATE (value)" },
  approvers: { nanoguard_writer: ADD, nanoguard_eraser: READ },
  approvals: { nanoguard_writer: `${ADD}, UPDATE (state, uses, ends)`, nanoguard_eraser: READ },
  decisions: { nanoguard_writer: ADD, nanoguard_eraser: READ },
  policies: { nanoguard_writer: ADD, nanoguard_eraser: READ },
  adoptions: { nanoguard_writer: ADD, nanoguard_eraser: READ },
  credentials: { nanoguard_writer: ADD, nanoguard_eraser: READ },
  held: { nanoguard_writer: `${ADD}, UPDATE (gateway, time), DELETE`, nanoguard_eraser: READ },
  usage: { nanoguard_writer: `${ADD}, UPDATE (used), DELETE`, nanoguard_eraser: READ },
  kills: { nanoguard_writer: ADD, nanoguard_eraser: READ },
  kysely_migration: { nanoguard_writer: READ, nanoguard_eraser: READ },
  ...Object.fromEntries(
    ["tiles", "entries", "agents", "items", "uses", "touched", "derived"].map((table) => [
      table,
      { nanoguard_writer: DERIVE, nanoguard_eraser: DERIVE },
    ]),
  ),
}

/**
 * Makes the group roles that are missing and returns their names. Roles belong to the whole server, so another of its databases
 * may have made them already. Throws `NanoguardError` (environment) with the SQL to run where the owner may not.
 */
export async function ensureRoles(client: Client): Promise<string[]> {
  const found = await client.query<{ rolname: string }>("select rolname from pg_roles where rolname = any($1)", [ROLES])
  const missing = ROLES.filter((role) => !found.rows.some(({ rolname }) => rolname === role))
  for (const role of missing) {
    try {
      await client.query(`create role ${role} nologin`)
    } catch (error) {
      // Somebody was faster: duplicate_object, or unique_violation where both came at once.
      if (["42710", "23505"].includes(codeOf(error))) continue
      if (codeOf(error) !== "42501") throw error
      throw new NanoguardError(`this role of the database may not create the roles that nanoguard needs`, {
        exit: EXIT.environment,
        hint: `as an administrator: ${missing.map((name) => `CREATE ROLE ${name} NOLOGIN;`).join(" ")} then repeat`,
      })
    }
  }
  return missing
}

/** Gives the roles their rights, and takes away whatever else they were given. Within the migration's transaction. */
export async function grantRights(client: Client): Promise<void> {
  const roles = ROLES.join(", ")
  const statements = [
    `revoke all on schema nanoguard from public, ${roles}`,
    `revoke all on all tables in schema nanoguard from public, ${roles}`,
    `revoke all on all sequences in schema nanoguard from public, ${roles}`,
    `revoke all on all functions in schema nanoguard from public`,
    `grant usage on schema nanoguard to ${roles}`,
    `grant usage on all sequences in schema nanoguard to nanoguard_writer, nanoguard_eraser`,
  ]
  for (const [table, rights] of Object.entries(RIGHTS)) {
    statements.push(`grant select on nanoguard.${table} to nanoguard_reader`)
    for (const [role, list] of Object.entries(rights)) statements.push(`grant ${list} on nanoguard.${table} to ${role}`)
  }
  for (const statement of statements) await client.query(statement)
}
