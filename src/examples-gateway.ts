// Examples below the help of the gate's commands.

/** By command. */
export const GATEWAY_EXAMPLES = {
  start: `
Examples:
  nanoguard gateway start
  nanoguard gateway start --offline --port 0
  nanoguard gateway start --unit systemd > ~/.config/systemd/user/nanoguard-gateway.service

Exit codes: 0 stopped, 2 usage, 4 no policy is adopted, 5 it cannot listen, or the store is out of order`,
  stop: `
Examples:
  nanoguard gateway stop
  nanoguard gateway stop --format json

Exit codes: 0 it is gone, 2 usage, 5 no gate runs, or it still ends what is under way`,
  status: `
Examples:
  nanoguard gateway status
  nanoguard gateway status --format json

Exit codes: 0 it runs, 1 its last reload kept the policy before, 2 usage, 5 no gate runs`,
  reload: `
Examples:
  nanoguard policy adopt && nanoguard gateway reload

Exit codes: 0 loaded, 4 the policy before it stays in force, 5 no gate runs`,
  env: `
Examples:
  eval "$(nanoguard gateway env --agent claude-1)"
  nanoguard gateway env --shell fish | source
  nanoguard gateway env --format json

Exit codes: 0 printed, 2 usage, 5 no gate runs`,
  exec: `
Examples:
  nanoguard gateway exec -- npm ci
  nanoguard gateway exec --agent claude-1 -- uv sync

Exit codes: the command's own; 125 where nanoguard itself failed or refused the command`,
  why: `
Examples:
  nanoguard why ng-812
  nanoguard why last
  nanoguard why pkg:npm/axios@1.6.0
  nanoguard why ng-812 --request-exception "the fix breaks our build until Friday"

Exit codes: 0 it is allowed, 1 it is refused, 2 usage, 3 nothing is known of it, 5 no record`,
} as const
