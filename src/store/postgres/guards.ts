// Triggers that keep the log append-only for whoever may write to it. They speak for every role, the owner's mistakes among
// them; against an owner who means it the tree and the outside checkpoints stand.

const ARCHIVED = "(select value::bigint from nanoguard.settings where name = 'archived')"

/** A function for triggers. Its names are found in fixed places: the caller's search_path could lead to other operators. */
const guard = (name: string, body: string) =>
  `create or replace function nanoguard.${name}() returns trigger language plpgsql
    set search_path = pg_catalog, nanoguard, pg_temp as $guard$ begin ${body} end $guard$`

const refuse = (message: string) => `raise exception '${message}' using errcode = 'restrict_violation';`

/** "Always": also where a session calls itself a replica, which lets ordinary triggers sleep. */
const trigger = (name: string, table: string, when: string, func: string) => [
  `create trigger ${name} ${when} execute function nanoguard.${func}()`,
  `alter table nanoguard.${table} enable always trigger ${name}`,
]

const never = (table: string, events: string, func: string) =>
  trigger(`${table}_${func}`, table, `before ${events} on nanoguard.${table} for each statement`, func)

const REFUSE_LOG = refuse("the log is append-only: no record is changed or removed")
const REFUSE_CHECKPOINT = refuse("a checkpoint is never changed or removed")
const REFUSE_PERSON = refuse("a commitment is erased or kept, never changed")

// Once for each statement: rows that are added together must continue the log together.
const FOLLOWS = `
  if exists (
    select from (select min(seq) as first, max(seq) as last, count(*) as rows from added) a
    where rows > 0 and (last - first + 1 <> rows
      or first <> 1 + coalesce((select max(seq) from nanoguard.events where seq < a.first), ${ARCHIVED}, 0))
  ) then ${refuse("the log is append-only: a sequence number must follow the last")} end if;
  return null;`

const DELETES = `
  if old.seq > ${ARCHIVED} then ${refuse("the log is append-only: only archived records are removed")} end if;
  return old;`

// A checkpoint over records that are still to come would read as if they were gone, to every gateway that opens the log.
const OVER_LOG = `
  if new.size < 1 or new.size > greatest((select max(seq) from nanoguard.events), ${ARCHIVED}, 0) then
    ${refuse("a checkpoint is over records that the log has")}
  end if;
  return new;`

const SETTINGS = `
  if tg_op = 'DELETE' then
    if old.name in ('origin', 'archived') then ${refuse("the log keeps its name, and archived never goes back")} end if;
    return old;
  end if;
  if new.name <> old.name or old.name = 'origin' or (old.name = 'archived' and new.value::bigint < old.value::bigint) then
    ${refuse("the log keeps its name, and archived never goes back")}
  end if;
  return new;`

// Whoever derives may change the index, and an index that claims more than the log has, or another log, shuts it for all gateways:
// to them that reads as records that are gone.
const WITHIN_LOG = `
  if (new.name = 'seq' and new.value::numeric > greatest((select max(seq) from nanoguard.events), ${ARCHIVED}, 0))
    or (new.name = 'origin' and new.value <> (select value from nanoguard.settings where name = 'origin')) then
    ${refuse("the index is of this log, and of records that it has")}
  end if;
  return new;`

/** For the table that says how far is derived: made anew with it. */
export const INDEX_GUARDS: readonly string[] = [
  guard("within_log", WITHIN_LOG),
  ...trigger("derived_within", "derived", "before insert or update on nanoguard.derived for each row", "within_log"),
]

/**
 * The condition that a row of `people` opens its own commitment, as `opensPerson` has it: `person:` and the base64url of SHA-256 over
 * the 32 bytes of the salt and the value in UTF-8. A false one would make `verify` and every export stop at the records that name it.
 */
export const OPENS_PERSON = `case when salt ~ '^[A-Za-z0-9_-]{43}$' then commitment = 'person:' || rtrim(translate(encode(
  sha256(decode(translate(salt, '-_', '+/') || '=', 'base64') || convert_to(value, 'UTF8')), 'base64'), '+/', '-_'), '=')
  else false end`

/** SQL statements; they need PostgreSQL 14. */
export const GUARDS: readonly string[] = [
  guard("follows", FOLLOWS),
  guard("only_archived", DELETES),
  guard("log_is_append_only", REFUSE_LOG),
  guard("checkpoints_stay", REFUSE_CHECKPOINT),
  guard("over_log", OVER_LOG),
  guard("people_stay", REFUSE_PERSON),
  guard("settings_stay", SETTINGS),
  ...trigger(
    "events_append",
    "events",
    "after insert on nanoguard.events referencing new table as added for each statement",
    "follows",
  ),
  ...never("events", "update or truncate", "log_is_append_only"),
  ...trigger("events_delete", "events", "before delete on nanoguard.events for each row", "only_archived"),
  ...trigger("checkpoints_size", "checkpoints", "before insert on nanoguard.checkpoints for each row", "over_log"),
  ...never("checkpoints", "update or delete or truncate", "checkpoints_stay"),
  ...never("people", "update or truncate", "people_stay"),
  ...trigger(
    "settings_update",
    "settings",
    "before update or delete on nanoguard.settings for each row",
    "settings_stay",
  ),
  ...never("settings", "truncate", "log_is_append_only"),
]

// A request keeps what it asks for as no role may update those columns; the owner's mistakes are caught here.
const FORWARD = `
  if (new.id, new.digest, new.topic, new.binding, new.kind, new.agent, new.subject, new.requested, new.expires)
      is distinct from (old.id, old.digest, old.topic, old.binding, old.kind, old.agent, old.subject, old.requested, old.expires)
    or new.uses < old.uses or not (new.state = old.state or old.state = 'pending'
      or (old.state = 'granted' and new.state in ('consumed', 'denied', 'expired'))) then
    ${refuse("a request keeps what it asks, and never goes back")}
  end if;
  return new;`

/** What is signed stays as it was signed; a request only goes forward. */
export const APPROVAL_GUARDS: readonly string[] = [
  guard("signed_stays", refuse("what was signed is never changed or removed")),
  guard("goes_forward", FORWARD),
  ...["approvers", "decisions", "policies", "adoptions"].flatMap((table) =>
    never(table, "update or delete or truncate", "signed_stays"),
  ),
  ...never("approvals", "delete or truncate", "signed_stays"),
  ...trigger("approvals_update", "approvals", "before update on nanoguard.approvals for each row", "goes_forward"),
]

const HELD = `
  if (new.approval, new.sealed) is distinct from (old.approval, old.sealed) then
    ${refuse("what is held is never changed")}
  end if;
  return new;`

// The windows that two days ago had ended are of no more use to anybody.
const USED = `
  if tg_op = 'DELETE' then
    if old."window" = 0 or old."window" > (extract(epoch from now()) - 172800) * 1000 then
      ${refuse("what was used is never given back")}
    end if;
    return old;
  end if;
  if (new.counter, new."window") is distinct from (old.counter, old."window") or new.used < old.used then
    ${refuse("what was used is never given back")}
  end if;
  return new;`

/** Credentials stay as they were signed; a held body is what was asked about; what was used is never given back. */
export const ACTION_GUARDS: readonly string[] = [
  guard("held_stays", HELD),
  guard("used_stays", USED),
  ...never("credentials", "update or delete or truncate", "signed_stays"),
  ...trigger("held_update", "held", "before update on nanoguard.held for each row", "held_stays"),
  ...never("held", "truncate", "signed_stays"),
  ...trigger("usage_change", "usage", "before update or delete on nanoguard.usage for each row", "used_stays"),
  ...never("usage", "truncate", "signed_stays"),
]

// With rows of one statement, and of sessions at once, the key on the position does the rest.
const KILL_FOLLOWS = `
  if new.position <> 1 + coalesce((select max(position) from nanoguard.kills), 0) then
    ${refuse("a row of kills follows the last")}
  end if;
  return new;`

/** Who was stopped stays on the list: a kill is lifted by a signed row. */
export const KILL_GUARDS: readonly string[] = [
  guard("kill_follows", KILL_FOLLOWS),
  ...trigger("kills_insert", "kills", "before insert on nanoguard.kills for each row", "kill_follows"),
  ...never("kills", "update or delete or truncate", "signed_stays"),
]
