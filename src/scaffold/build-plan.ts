// Puts the whole plan together: reads what is there, and plans every file. Writes nothing.
import type { Context } from "../context.ts"
import { NanoguardError } from "../errors.ts"
import { VERSION } from "../version.ts"
import { agentFiles, ciFiles, POLICY_FILE, policyFile, policyTests, TARBALLS } from "./files.ts"
import { planGateway } from "./gateway.ts"
import { planImage } from "./image.ts"
import { type NativeEdit, planNative } from "./native.ts"
import { readNativePolicy } from "./native-policy.ts"
import { instructionsFile, readInside } from "./paths.ts"
import { planFile, replaceFile, type Wanted } from "./plan.ts"
import type { Answers, Facts, Plan, PlannedFile } from "./types.ts"

/** Plans every file for the answers. `force` replaces whole files of the user's that differ. Throws on unsafe paths. */
export async function buildPlan(
  ctx: Context,
  root: string,
  facts: Facts,
  answers: Answers,
  force: boolean,
): Promise<Plan> {
  const plan = async (wanted: Wanted): Promise<PlannedFile> => {
    const file = await planFile(wanted, readInside(root, wanted.path))
    return force ? replaceFile(file) : file
  }
  const now = ctx.now()
  const policy = await plan(policyFile(answers, now))
  const tests = policyTests(answers)
  const ours = policy.replacement === undefined
  const wanted: Wanted[] = ours ? [tests] : []
  if (answers.ci !== "none") {
    wanted.push(...ciFiles(answers.ci, VERSION, ours || readInside(root, tests.path) !== null))
  }
  wanted.push(...agentFiles(answers, (path) => locateInstructions(root, path)))
  const notes: string[] = []
  if (answers.image !== undefined) {
    const image = await planImage(ctx, answers.image, answers.agents, facts.engines)
    wanted.push(image.wanted)
    notes.push(...image.notes)
  }
  if (answers.native) {
    const native = await nativeEdits(root, facts, policy, now)
    wanted.push(
      ...native.edits.map((edit) => ({ ...edit, reason: "the policy as the package manager's own settings" })),
    )
    notes.push(...native.notes)
  }
  if (answers.gateway !== undefined) {
    const top = facts.managers.filter((manager) => !manager.why.includes("/"))
    const has = (path: string) => readInside(root, path) !== null
    const { edits, notes: said } = planGateway(answers.gateway, top, has("uv.toml") || !has("pyproject.toml"))
    mergeEdits(
      wanted,
      edits.map((edit) => ({ ...edit, reason: "package managers ask the gate" })),
    )
    notes.push(...said)
  }
  const files = [policy]
  for (const file of wanted) files.push(await plan(file))
  if (files.some(({ after }) => after.includes(TARBALLS))) {
    notes.push(
      "nanoguard is not on npm yet, and the name there is another person's: put the address of your own tarball into the job before you commit it.",
    )
  }
  return { files, notes: [...notes, ...notesOn(facts, answers, policy)] }
}

async function nativeEdits(
  root: string,
  facts: Facts,
  policy: PlannedFile,
  now: number,
): Promise<{ edits: NativeEdit[]; notes: string[] }> {
  const top = facts.managers.filter((manager) => !manager.why.includes("/"))
  const nested = facts.managers.filter((manager) => manager.why.includes("/"))
  const has = (path: string) => readInside(root, path) !== null
  try {
    const { loadPolicyTexts } = await import("../policy/load.ts")
    const compiled = await loadPolicyTexts([{ text: policy.after, file: POLICY_FILE }])
    const plan = planNative(readNativePolicy(compiled, now), top, has("uv.toml") || !has("pyproject.toml"))
    const notes = nested.map(({ name, why }) => `${name} is used in ${why}; its settings are only written at the top.`)
    // package.json and its like are only ever added to: a repository without one has no use for it.
    const edits = plan.edits.filter((edit) => edit.path !== "package.json" || has(edit.path))
    return { edits: groupByPath(edits), notes: [...plan.notes, ...notes] }
  } catch (error) {
    if (!(error instanceof NanoguardError)) throw error
    return { edits: [], notes: [`${POLICY_FILE} does not load, so no native settings were planned: ${error.message}`] }
  }
}

/** One file is planned once, whoever adds to it. */
function mergeEdits(wanted: Wanted[], edits: readonly (NativeEdit & { reason: string })[]): void {
  for (const edit of edits) {
    const same = wanted.find((other) => other.path === edit.path)
    if (same !== undefined && "additions" in same) same.additions = [...same.additions, ...edit.additions]
    else wanted.push(edit)
  }
}

/** Two managers may both add to package.json; one file is planned once. */
function groupByPath(edits: readonly NativeEdit[]): NativeEdit[] {
  const byPath = new Map<string, NativeEdit>()
  for (const edit of edits) {
    const before = byPath.get(edit.path)
    byPath.set(edit.path, before ? { ...before, additions: [...before.additions, ...edit.additions] } : edit)
  }
  return [...byPath.values()]
}

/** `CLAUDE.md -> AGENTS.md` and a CLAUDE.md that says `@AGENTS.md` are one set of instructions, written once. */
function locateInstructions(root: string, path: string): string {
  const file = instructionsFile(root, path)
  return /^@(?:\.\/)?AGENTS\.md\s*$/m.test(readInside(root, file) ?? "") ? instructionsFile(root, "AGENTS.md") : file
}

function notesOn(facts: Facts, answers: Answers, policy: PlannedFile): string[] {
  const notes: string[] = []
  if (policy.replacement !== undefined) {
    notes.push(`${POLICY_FILE} is yours and stays, so tests of the ${answers.preset} preset were not planned.`)
  }
  if (facts.lockfiles.length === 0)
    notes.push("There is no lockfile yet: `nanoguard vet` has nothing to check until there is one.")
  if (!facts.git) notes.push("This is no git repository: `vet --changed` needs one.")
  return notes
}
