// Whose a release is: a name for this process, by which others on this machine can tell whether it still lives.
import { randomBytes } from "node:crypto"
import { type Owner, ownIdentity, processStart } from "../../sandbox/owner.ts"

/** A name for marks (`markOf`), which no other process bears, nor this one a second time. */
export function nameProcess(owner: Owner = ownIdentity()): string {
  return [...wordsOf(owner), randomBytes(6).toString("hex")].join("-")
}

/**
 * Whether the process of that name is alive. False where that cannot be told from here, as in another container: it bears the name of the gate
 * that asks, and of those there is one at a time.
 */
export function isProcessAlive(name: string): boolean {
  const [pid = "", start, space] = name.split("-")
  const own = wordsOf(ownIdentity())
  return (
    start !== "" &&
    space === own[2] &&
    wordsOf({ pid: 0, start: processStart(Number.parseInt(pid, 36)) ?? "" })[1] === start
  )
}

/** Its id, the ticks at which it started, and the namespace of its id, short enough for a mark. */
function wordsOf({ pid, start, space = "" }: Owner): string[] {
  const short = (digits: string) => (digits === "" ? "" : Number(digits).toString(36))
  return [pid.toString(36), short(start), short(/\d+/.exec(space)?.[0] ?? "")]
}
