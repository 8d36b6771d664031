// Examples below the help of the commands of the box.

/** By command. */
export const SANDBOX_EXAMPLES = {
  run: `
Examples:
  nanoguard run -- claude
  nanoguard run --workspace copy -- codex exec "fix the tests"     changes are reviewed before they are applied
  nanoguard run --publish 3000 --timeout 2h -- npm run dev
  nanoguard run --engine bubblewrap -- sh

Exit codes: the command's own; 2 a command line that cannot be read, 124 its time was over,
125 where nanoguard itself failed, 126 the command cannot be started, 127 it is not in the box,
137 killed or under a kill`,
  doctor: `
Examples:
  nanoguard doctor
  nanoguard doctor --format json

Exit codes: 0 nothing is broken (warnings may be shown), 1 something is`,
  selftest: `
Examples:
  nanoguard selftest
  nanoguard selftest --engine docker --format json

Exit codes: 0 no way out was open, 1 one was, or the box ended badly, 3 none was found shut, 5 no box could be started`,
  kill: `
Examples:
  nanoguard kill claude-1 --reason "asked for production keys"     an agent: all its boxes, and every later one
  nanoguard kill run-0123456789ab --reason "wrong branch"          one run
  nanoguard kill --all --reason "token leaked"
  nanoguard kill --all --dry-run                                   what would be stopped; changes nothing

Exit codes: 0 done, 2 usage,
5 the order could not be recorded, or a box could not be ended: the rest was done all the same`,
  resume: `
Examples:
  nanoguard resume claude-1                       shows why it was stopped, asks, and signs
  nanoguard resume --all --as ana --yes           lifts the kill of all; agents that were stopped by name stay so

Exit codes: 0 lifted, 1 not stopped, declined or not yours to sign, 2 usage, 5 no store`,
  ps: `
Examples:
  nanoguard ps
  nanoguard ps --watch                            drawn anew each second; q ends
  nanoguard ps --format json

Exit codes: 0 also where nothing runs, 2 usage`,
} as const
