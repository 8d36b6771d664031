// Examples below the help of the record's commands.

/** By command. */
export const RECORD_EXAMPLES = {
  tail: `
Examples:
  nanoguard audit tail                              the last 20 records
  nanoguard audit tail -f --effect deny             refusals, as they come
  nanoguard audit tail --agent claude-1 --since 2h
  nanoguard audit tail -f --format ndjson | jq .subject

Exit codes: 0 shown, 2 usage, 3 the record is empty, 5 there is none`,
  show: `
Examples:
  nanoguard audit show 812
  nanoguard audit show 812 --format json

Exit codes: 0 shown, 1 its proof does not hold, 2 no such record, 3 the record is empty, 5 there is none`,
  inventory: `
Examples:
  nanoguard audit inventory                                     agents, and what they consumed
  nanoguard audit inventory --touched GHSA-xxxx-xxxx-xxxx       who has it, since when
  nanoguard audit inventory --touched pkg:npm/axios@1.6.0 --as-of 2026-11-01
  nanoguard audit inventory items --format csv > items.csv
  nanoguard audit inventory --agent claude-1 --format cyclonedx

Exit codes: 0 answered, 2 usage, 3 the record is empty, 5 there is none, or no advisories to search`,
  verify: `
Examples:
  nanoguard audit verify
  nanoguard audit verify --anchor dir:/mnt/witness      against checkpoints that this host cannot rewrite
  nanoguard audit verify --export november.ndjson --key <vkey>

Exit codes: 0 nothing was changed, 1 something was, 2 usage, 3 nothing to check, 5 there is no record`,
  export: `
Examples:
  nanoguard audit export --output november.ndjson --since 2026-11-01
  nanoguard audit export --agent claude-1 --without-people > claude-1.ndjson

Exit codes: 0 written, 2 usage, 3 nothing to write, 5 there is no record`,
  checkpoint: `
Examples:
  nanoguard audit checkpoint                sign what is in the log now
  nanoguard audit checkpoint --publish      and bring it to the places in NANOGUARD_ANCHORS

Exit codes: 0 done, 1 a place holds another history, 3 the record is empty, 5 no record, or a place out of reach`,
  erase: `
Examples:
  nanoguard audit erase ana@acme.example --dry-run
  nanoguard audit erase ana@acme.example --yes
  nanoguard audit erase - --yes < name.txt          keeps the name out of the shell's history

Exit codes: 0 erased, 1 declined, 2 usage, 3 nobody of that name is on record, 5 there is no record`,
  archive: `
Examples:
  nanoguard audit archive --keep 90d --to /srv/archive --dry-run
  nanoguard audit archive --before 2026-09-01 --to /srv/archive --yes

Exit codes: 0 archived, 1 declined, 2 usage, 3 nothing that old, 5 there is no record, or it could not be written`,
  suggest: `
Examples:
  nanoguard policy suggest --run run-7f3a              what this run would have needed
  nanoguard policy suggest --since 7d --agent claude

Exit codes: 0 shown, 2 usage, 3 no request is on record, 4 policy invalid, 5 no record`,
  replay: `
Examples:
  nanoguard policy replay --policy new.yaml --since 30d
  nanoguard policy replay --policy new.yaml --fail-on looser      in CI: may not let through more

Exit codes: 0 replayed, 1 by --fail-on, 2 usage, 3 no decision on record, 4 policy invalid, 5 there is no record`,
  status: `
Examples:
  nanoguard store status
  nanoguard store status --format json

Exit codes: 0 shown, 4 NANOGUARD_STORE is wrong, 5 there is no record, or it is out of reach`,
  derive: `
Examples:
  nanoguard store derive
  nanoguard store derive --archive /srv/archive      where old records were archived

Exit codes: 0 done, 5 there is no record, or the index cannot be written`,
  migrate: `
Examples:
  NANOGUARD_STORE=postgres://owner@db.example/guard nanoguard store migrate

Exit codes: 0 done, 4 NANOGUARD_STORE is wrong, 5 out of reach, or not allowed`,
}
