// A scripted agent: it reads the terminal, does what that says to do, and has to reach a safe tree in at most two attempts.
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { SAMPLE, SEED } from "../faults/random.ts"
import { CLIENTS } from "./clients.ts"
import type { ClientDescription } from "./description.ts"
import { type Laboratory, lockBefore, openLaboratory } from "./gate.ts"
import { type AgentCase, generateCases } from "./generate.ts"
import type { Project } from "./project.ts"
import { commandIn } from "./terminal.ts"

const CASES = generateCases(SEED, SAMPLE ? 8 : 100)
const ATTEMPTS = 2

let lab: Laboratory
beforeAll(async () => {
  const merge = <T>(parts: Record<string, T>[]) => Object.assign({}, ...parts) as Record<string, T>
  lab = await openLaboratory(merge(CASES.map(({ packages }) => packages)), merge(CASES.map(({ refused }) => refused)))
})
afterAll(() => lab?.close())

describe.each(CLIENTS)("an agent with $label", (client) => {
  it(`reaches a safe tree in ${CASES.length} cases of seed ${SEED}`, { timeout: 3_600_000 }, async (ctx) => {
    const program = await client.find(ctx)
    const failures: string[] = []
    for (const one of CASES) {
      const project = lab.project(client, program, client.files(one.wanted, lab.gate.origin))
      const failure = await solve(client, project, one)
      if (failure !== undefined) failures.push(`case ${one.id}, ${one.kind}: ${failure}`)
    }
    expect(failures.length, failures.slice(0, 5).join("\n\n")).toBe(0)
  })
})

/** Works on a case; resolves with what went wrong. */
async function solve(client: ClientDescription, project: Project, one: AgentCase): Promise<string | undefined> {
  if (one.kind === "locked") await lockBefore(lab, client, project)
  const asked =
    one.kind === "latest" ? client.add(one.goal[0]!) : one.kind === "locked" ? client.frozen : client.install
  let line = asked
  let shown = ""
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const ran = await project.exec(line)
    shown += `$ ${line}\n${ran.terminal}\n`
    if (ran.exit === 0) return judge(client, project, one, shown)
    const command = commandIn(ran.terminal)
    if (command === undefined) return `no command in\n${shown}`
    // A command may change the project alone: what was asked for is repeated with it.
    line = client.keeps === undefined ? `${command} && ${asked}` : command
  }
  return `not there after ${ATTEMPTS} attempts:\n${shown}`
}

function judge(client: ClientDescription, project: Project, one: AgentCase, shown: string): string | undefined {
  for (const name of one.goal) {
    const version = client.installed(project.directory, name)
    if (version === undefined) return `${name} is not there:\n${shown}`
    if (one.refused[name]?.includes(version)) return `${name} ${version} is there:\n${shown}`
  }
  return undefined
}
