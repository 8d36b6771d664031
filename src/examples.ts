// What stands below the options in each `--help`: examples to copy, and the exit codes that docs/exit-codes.md explains.

/** By command; the first is that of `nanoguard` alone. Completion has its own. */
export const EXAMPLES = {
  top: `
Examples:
  nanoguard init                        a policy of your own: shown, then written
  nanoguard vet                         every lockfile below this directory
  nanoguard vet --fix --dry-run         what would make the findings go away
  nanoguard policy explain pkg:npm/axios@1.6.0
  nanoguard gateway exec -- npm ci      packages come through policy; refusals say what to do instead

nanoguard <command> --help has more of each.`,
  vet: `
Examples:
  nanoguard vet                                    every lockfile below this directory
  nanoguard vet --offline api/package-lock.json    one of them, without any network
  nanoguard vet --changed origin/main              in a pull request: what it adds
  nanoguard vet --fix --dry-run                    what would make the findings go away
  nanoguard vet --format sarif --output vet.sarif  for code scanning; text in the log

Exit codes: 0 fine, 1 findings, 2 usage, 3 nothing could be checked, 4 policy invalid, 5 environment`,
  init: `
Examples:
  nanoguard init                                       asks, shows, writes
  nanoguard init --yes --preset team --ci github       the same without questions
  nanoguard init --dry-run --yes                       only shows
  nanoguard init --image --build-image                 a Containerfile for agents, and the image that it makes

Exit codes: 0 fine, 1 declined or something is left to do by hand, 2 usage, 4 an unsafe path`,
  check: `
Examples:
  nanoguard policy check
  nanoguard policy check --policy drafts/nanoguard.yaml

Exit codes: 0 fine, 1 an error was found, 4 not a valid policy, or none`,
  test: `
Examples:
  nanoguard policy test
  nanoguard policy test nanoguard.network.test.yaml

Exit codes: 0 all passed, 1 a case failed, 2 no such file, 3 no case at all, 4 not a valid policy, or none`,
  explain: `
Examples:
  nanoguard policy explain pkg:npm/axios@1.6.0
  nanoguard policy explain "POST https://api.example.com/v1/charges"
  nanoguard policy explain action.json

Exit codes: 0 explained, whatever the verdict; 2 no such subject, 4 not a valid policy, or none`,
  update: `
Examples:
  nanoguard advisories update                    OSV's exports of all four ecosystems
  nanoguard advisories update --ecosystem npm    only npm's; what is there for the others stays
  nanoguard advisories update --from dumps/      downloaded or written by you, without network

Exit codes: 0 done, 2 no such source or ecosystem, 3 the sources held nothing, 5 a source failed`,
  status: `
Examples:
  nanoguard advisories status
  nanoguard advisories status --format json

Exit codes: 0 shown, 2 usage, 5 an index is damaged, or there is none`,
}
