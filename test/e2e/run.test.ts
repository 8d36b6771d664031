// What `nanoguard run` says of command lines that it does not run, by exit code: 125 is its own, whatever is wrong; 2 is what cannot be
// read as a command line at all.
import { expect, it } from "vitest"
import { temporaryDirectory, writeFiles } from "../context.ts"
import { nanoguard } from "./nanoguard.ts"

const WRONG: readonly [line: string, says: string][] = [
  ["", "run wants a command, or --swarm with a file"],
  ["--swarm swarm.json -- true", "a swarm's file names its commands"],
  ["--swarm swarm.json --publish 3000", "--publish is for one box, and not for a swarm"],
  ["--swarm swarm.json --forward 5432:db.example:5432", "--forward is for one box, and not for a swarm"],
  ["--swarm swarm.json --publish 3000 --forward 1:a:2", "--publish and --forward are for one box, and not for a swarm"],
  ["--swarm swarm.json --agent me", "--agent is one agent's, and a swarm has several"],
  ["--swarm swarm.json --workspace none", "--workspace is one agent's, and a swarm has several"],
  ["--swarm swarm.json --summary nowhere/summary.json", "the summary cannot be written"],
  ["--swarm swarm.json --format json", "--format is for the list that --review prints"],
  ["--format json -- true", "--format is for the list that --review prints"],
  ["--review run-000000000000 --format json", "--format is for the list that --review prints"],
  ["--review run-000000000000 --summary out.json", "--summary would say nothing"],
  ["--review --swarm swarm.json", "--swarm would say nothing"],
  ["--review list --agent me --workspace none", "--agent and --workspace would say nothing"],
  ["--review run-000000000000 -- true", "--review looks at what was kept, and runs no command"],
  ["--review --discard", "--apply and --discard want to know of which run"],
  ["--timeout soon -- true", "--timeout is no duration"],
  ["--publish 70000 -- true", "--publish wants a port, or two"],
  ["--forward 5432:db.example -- true", "--forward wants a port of the box, a host and its port"],
  ["--agent !! -- true", "that is no name for an agent or a run"],
  ["--summary nowhere/summary.json -- true", "the summary cannot be written"],
  ["--review run-000000000000", "nothing of that run is kept here"],
  ["--project ./nowhere -- true", "--project is no directory"],
  ["-- true", "there is no nanoguard.yaml here or above"],
]
const UNREADABLE: readonly [line: string, says: string][] = [
  ["--such -- true", "unknown option '--such'"],
  ["--engine lxc -- true", "Allowed choices are auto, docker"],
  ["--workspace mine -- true", "Allowed choices are direct"],
  ["--apply --discard -- true", "cannot be used with option '--discard'"],
  ["--agent", "argument missing"],
]
const words = (line: string) => line.split(" ").filter((word) => word !== "")

it.for(WRONG)("run %s: 125", async ([line, says]) => {
  const { exit, out, err } = await nanoguard(directory(), ["run", ...words(line)])
  expect([exit, out, err]).toEqual([125, "", expect.stringContaining(says)])
})

it.for(UNREADABLE)("run %s: 2", async ([line, says]) => {
  const { exit, out, err } = await nanoguard(directory(), ["run", ...words(line)])
  expect([exit, out, err]).toEqual([2, "", expect.stringContaining(says)])
})

const directory = () => {
  const path = temporaryDirectory()
  writeFiles(path, { "swarm.json": "{}" })
  return path
}
