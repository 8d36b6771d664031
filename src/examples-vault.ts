// Examples below the help of the commands of the vault.

const CODES =
  "Exit codes: 0 done, 1 no such credential or not yours to sign, 2 usage, 3 there is none, 5 no store, vault or gate"

/** By command. */
export const VAULT_EXAMPLES = {
  init: `
Examples:
  nanoguard secret init                                  the keychain where one works, else a key file
  nanoguard secret init --key passphrase                 a person unlocks it after each start of the gate
  nanoguard secret init --key file --key-file /run/keys/nanoguard

${CODES}`,
  set: `
Examples:
  nanoguard secret set github --for github               asks for the value and shows nothing of it
  nanoguard secret set billing --host api.example.com --path '/v1/**' --slot header:x-api-key
  nanoguard secret set deploy --host deploy.example.com --slot bearer --from env:DEPLOY_TOKEN
  op read op://dev/stripe/key | nanoguard secret set stripe --for stripe --stdin

${CODES}`,
  list: `
Examples:
  nanoguard secret list
  nanoguard secret list --format json

${CODES}`,
  rotate: `
Examples:
  nanoguard secret rotate github                         placeholders stay the same

${CODES}`,
  remove: `
Examples:
  nanoguard secret remove github --yes

${CODES}`,
  import: `
Examples:
  nanoguard secret import claude                         the login that is here, renewed on the host
  nanoguard secret import gh --hostname github.example.com

${CODES}`,
  canary: `
Examples:
  nanoguard secret canary old-deploy-key --shape github  prints what to leave where only a thief looks

${CODES}`,
  unlock: `
Examples:
  nanoguard secret unlock
  nanoguard secret unlock --passphrase-file /run/keys/vault

${CODES}`,
  lock: `
Examples:
  nanoguard secret lock

${CODES}`,
}
