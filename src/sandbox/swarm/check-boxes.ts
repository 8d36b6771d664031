// What an agent of a swarm may have of a box: no more than a person adopted or asked for, and no more than its parent has.
import type { Sandbox } from "../../policy/compiled.ts"
import { policyError, type YamlFile } from "../../policy/yaml.ts"
import type { RunRequest } from "../run-types.ts"
import { isWithinDirectory } from "./directories.ts"
import type { SwarmAgent } from "./types.ts"

/** What a person said on the command line of every box. */
export type AskedBoxes = Pick<RunRequest, "engine" | "image">

/** How much of the workspace a box has in its hand. */
const REACH = { none: 0, copy: 1, worktree: 1, direct: 2 } as const

/** Throws (configuration) where an agent would have a box that the policy or the command line says otherwise. Both are a person's, and the file is nobody's. */
export function checkBoxes(
  agents: readonly SwarmAgent[],
  { engine, image, workspace = "direct" }: Sandbox,
  asked: AskedBoxes,
  yaml: YamlFile,
): void {
  for (const [index, agent] of agents.entries()) {
    const refuse = (key: string, said: string, hint: string): never =>
      policyError(`${said}, and ${agent.name} would have another`, yaml.where(["agents", index, key]), hint)
    const check = (key: "engine" | "image", policy: string | undefined) => {
      const [own, option] = [agent[key], asked[key]]
      if (own === undefined) return
      if (differs(own, policy)) refuse(key, `the policy says sandbox.${key}: ${policy}`, ADOPT)
      if (differs(own, option))
        refuse(key, `the command line says --${key} ${option}`, "leave it out in one of the two")
    }
    check("engine", engine)
    check("image", image)
    if (REACH[agent.workspace] > REACH[workspace])
      refuse("workspace", `the policy says sandbox.workspace: ${workspace}`, ADOPT)
  }
}

const ADOPT = "leave it out, or have a person change the policy and adopt it"

const differs = (own: string, said: string | undefined) => said !== undefined && said !== "auto" && own !== said

/** How much a box sees of the workspace: a worktree what is committed, a copy what is not committed, too. */
const SEES = { none: 0, worktree: 1, copy: 2, direct: 3 } as const

/**
 * Throws (configuration) where a child would have more than its parent: more of the workspace, another directory of it, or what another
 * engine or image makes of a box. What it may do through the gate, the gate itself holds against its parent.
 */
export function checkChildren(
  agents: readonly SwarmAgent[],
  sandbox: Sandbox,
  asked: AskedBoxes,
  yaml: YamlFile,
): void {
  const inForce = (agent: SwarmAgent, key: "engine" | "image") =>
    agent[key] ?? asked[key] ?? sandbox[key] ?? (key === "engine" ? "auto" : undefined)
  for (const [index, child] of agents.entries()) {
    const parent = agents.find(({ name }) => name === child.parent)
    if (parent === undefined) continue
    const refuse = (key: string, what: string, hint: string): never =>
      policyError(
        `${child.name} would have ${what} its parent ${parent.name}`,
        yaml.where(["agents", index, key]),
        hint,
      )
    if (SEES[child.workspace] > SEES[parent.workspace])
      refuse("workspace", `more of the workspace (${child.workspace}) than`, `give it workspace: ${parent.workspace}`)
    if (child.workspace !== "none" && !isWithinDirectory(child.directory, parent.directory))
      refuse("directory", "another directory than", `give it directory: ${parent.directory}, or one below`)
    for (const key of ["engine", "image"] as const) {
      const wanted = inForce(parent, key)
      if (inForce(child, key) === wanted) continue
      const hint =
        wanted === undefined || wanted === "auto" ? "say it of both, or of none" : `give it ${key}: ${wanted}`
      refuse(key, `another ${key} than`, hint)
    }
  }
}
