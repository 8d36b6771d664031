// Examples below the help of the commands of approvals.

/** By command. */
export const APPROVAL_EXAMPLES = {
  approve: `
Examples:
  nanoguard approve                                   what waits, live: one card at a time, keys below it
  nanoguard approve --list                            what waits for a person
  nanoguard approve ap-4kq2m7xd                       look at one, and decide
  nanoguard approve ap-4kq2m7xd --digest 3f9a-2b41 --as ana --reason "as agreed"
  nanoguard approve ap-4kq2m7xd --digest 3f9a-2b41 --uses 5 --expires 2h
  nanoguard approve --list --format json
  nanoguard approve --stats --days 90                 what asking costs, and which rules are always answered alike

A yes to a request is for exactly that request, once, within the hour; --uses and --expires make it more.
A yes to a package is for the run, 12 hours.

Exit codes: 0 done, 1 not yours to decide or decided already, 2 usage or another digest, 5 no record, 6 expired`,
  deny: `
Examples:
  nanoguard deny ap-4kq2m7xd --digest 3f9a-2b41 --reason "use got instead"

Exit codes: 0 done, 1 not yours to decide or decided already, 2 usage or another digest, 5 no record, 6 expired`,
  add: `
Examples:
  nanoguard approver add ana@acme.example                                the first one: the root of trust
  nanoguard approver add ben@acme.example --key ben.pub --as ana@acme.example
  nanoguard approver add ana@acme.example --key ~/.ssh/id_ed25519.pub    signs through ssh-keygen

Exit codes: 0 enrolled, 1 the name or key is taken, or the signer is no approver, 2 usage, 5 not written`,
  list: `
Examples:
  nanoguard approver list
  nanoguard approver list --format json

Exit codes: 0 shown, 3 nobody is enrolled, 5 there is no record`,
  remove: `
Examples:
  nanoguard approver remove ben@acme.example --as ana@acme.example

Exit codes: 0 removed, 1 declined, or no such approver, 2 usage, 5 the store cannot be written`,
  adopt: `
Examples:
  nanoguard policy adopt                     compare, agree, sign
  nanoguard policy adopt --dry-run           compare only
  nanoguard policy adopt --yes --as ana@acme.example --passphrase-file /run/secrets/ana

Exit codes: 0 in force, 1 declined, or not an approver, 2 usage, 4 policy invalid, 5 the store cannot be written`,
  adopted: `
Examples:
  nanoguard policy adopted
  nanoguard policy adopted --project acme --format json

Exit codes: 0 shown, 4 none is in force, 5 there is no record`,
}
