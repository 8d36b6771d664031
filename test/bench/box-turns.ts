// Commands that take turns, so that a slow moment of the machine hits all alike: wall time, and processor time where children are waited for.
import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"

export interface Turn {
  command: readonly string[]
}

export type Turns = Record<string, { least: number; median: number; cpu: number }>

/** Runs each once as warm-up and then `rounds` times in turn; throws where one fails. All in milliseconds. */
export function measureTurns(
  turns: Readonly<Record<string, Turn>>,
  { rounds, cwd, env }: { rounds: number; cwd: string; env: NodeJS.ProcessEnv },
): Turns {
  const names = Object.keys(turns)
  const walls = new Map(names.map((name): [string, number[]] => [name, []]))
  const processor = new Map(names.map((name): [string, number[]] => [name, []]))
  for (let round = -1; round < rounds; round++) {
    for (const name of names) {
      const { wall, cpu } = runOnce(turns[name]!.command, cwd, env)
      if (round < 0) continue
      walls.get(name)!.push(wall)
      processor.get(name)!.push(cpu)
    }
  }
  return Object.fromEntries(
    names.map((name) => {
      const all = walls.get(name)!
      return [name, { least: Math.min(...all), median: median(all), cpu: median(processor.get(name)!) }]
    }),
  )
}

function runOnce(command: readonly string[], cwd: string, env: NodeJS.ProcessEnv): { wall: number; cpu: number } {
  const before = childTime()
  const begun = performance.now()
  const [file = "", ...args] = command
  const { status, stderr, error } = spawnSync(file, args, { cwd, env, stdio: ["ignore", "ignore", "pipe"] })
  const wall = performance.now() - begun
  if (error) throw error
  if (status !== 0) throw new Error(`${command.join(" ").slice(0, 300)} ended with ${status}: ${stderr}`)
  return { wall, cpu: childTime() - before }
}

/** Milliseconds of children that are over (fields 16 and 17 of /proc/self/stat, in hundredths of a second; proc(5)). */
function childTime(): number {
  const stat = readFileSync("/proc/self/stat", "latin1")
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  return (Number(fields[13]) + Number(fields[14])) * 10
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!
}
