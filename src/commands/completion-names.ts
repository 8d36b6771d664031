// What a shell offers for `run --review`, `kill` and `resume`: runs that were kept, what runs, what is stopped.
import type { RootCommand } from "@bomb.sh/tab"
import type { Context } from "../context.ts"
import { stateHome } from "../home.ts"
import { listBoxFiles } from "../sandbox/boxes.ts"
import { listKept } from "../sandbox/kept-list.ts"
import { readKills } from "../sandbox/kills/chain.ts"
import { openReader } from "../store/open.ts"

interface Name {
  value: string
  about: string
}

/** Adds the names to a completion. What cannot be read is not offered. */
export async function addNames(
  ctx: Pick<Context, "env" | "cwd">,
  tab: RootCommand,
  words: readonly string[],
): Promise<void> {
  const offer = (names: readonly Name[]) => (complete: (value: string, about: string) => void) => {
    for (const { value, about } of names) complete(value, about)
  }
  if (words.includes("run"))
    tab.commands.get("run")?.option("review", "what is kept", offer(await quietly(() => keptNames(ctx))))
  if (words.includes("kill"))
    tab.commands.get("kill")?.argument("targets", offer(await quietly(() => runningNames(ctx))), true)
  if (words.includes("resume"))
    tab.commands.get("resume")?.argument("targets", offer(await quietly(() => stoppedNames(ctx))), true)
}

const quietly = async (read: () => Name[] | Promise<Name[]>): Promise<Name[]> => {
  try {
    return await read()
  } catch {
    return []
  }
}

const keptNames = (ctx: Pick<Context, "env">): Name[] =>
  listKept(ctx, false).runs.map(({ run, agent = "", changes }) => ({
    value: run,
    about: `${agent} ${changes} changed`.trim(),
  }))

function runningNames(ctx: Pick<Context, "env">): Name[] {
  const { boxes } = listBoxFiles(ctx)
  const agents = [...new Set(boxes.map(({ agent }) => agent))]
  return [
    ...agents.map((value) => ({ value, about: "agent" })),
    ...boxes.map(({ run, agent }) => ({ value: run, about: agent })),
  ]
}

async function stoppedNames(ctx: Pick<Context, "env" | "cwd">): Promise<Name[]> {
  const { db, close } = await openReader(ctx)
  const { standing } = await readKills(db, stateHome(ctx)).finally(close)
  return [...standing.values()].flatMap(({ target }) =>
    target.kind === "all" ? [] : [{ value: target.name, about: `stopped ${target.kind}` }],
  )
}
