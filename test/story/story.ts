// The whole story, told in terminals: a person sets up a repository, an agent works in a box, and somebody looks after both.
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import type { Machine } from "./machine.ts"
import { type Box, editPolicy } from "./policy.ts"
import type { Stage, Window } from "./stage.ts"

export interface Telling {
  machine: Machine
  stage: Stage
  box: Box
  /** Milliseconds that something is left to be read; 0 where nobody does. */
  pause: number
  /** Called with each part: its title, what to know of it, and what which window shows. */
  onPart?: (title: string, text: string, screen: string, window: (typeof WINDOWS)[number]) => void
}

export const WINDOWS = ["person", "agent", "gate"] as const
const PASSPHRASE = "correct horse battery staple"
export const REASON = "squash it: one commit a ticket"
export const TICKET = "Ticket 42: add axios 1.6.0, merge pull request 7, add pretty-receipts."
const PROMPT = /\n\$$/

/** Tells it; rejects where anything is not as it should be shown. */
export async function tellStory({ machine, stage, box, pause, onPart }: Telling): Promise<void> {
  const person = stage.window("person")
  const agent = stage.window("agent")
  const part = async (title: string, text: string, window: Window = person) => {
    onPart?.(title, text, window.screen(), window === agent ? "agent" : "person")
    await sleep(pause)
    if (window === person) person.clear()
  }
  const scene = (name: (typeof WINDOWS)[number], text: string) => {
    stage.show(name)
    stage.say(text)
  }
  const command = async (line: string, shows: string | RegExp) => {
    await person.type(line)
    await person.waitFor(shows)
    return person.waitFor(PROMPT)
  }
  const passphrase = async (prompt: string) => {
    await person.waitFor(`? ${prompt}`)
    await sleep(300)
    await person.type(PASSPHRASE)
  }

  scene("person", "1. A policy for the repository: init writes one, the person adds what this shop needs")
  await command("nanoguard init --yes --agents claude | grep -E '^(create|Wrote)'", "Wrote")
  const policy = join(machine.repo, "nanoguard.yaml")
  writeFileSync(policy, editPolicy(readFileSync(policy, "utf8"), machine.tools, box))
  await command("sed -n '/^network/,/^approvers/p' nanoguard.yaml", "approvers")
  await command("nanoguard policy check", "nothing to object to")
  await part(
    "A policy",
    "`init` writes it, a person adds what this shop needs: a model, GitHub (reading freely, writing by a person's leave), a service for crash reports.",
  )

  scene("person", "2. A person: only whoever has this key can agree to anything")
  await person.type("nanoguard approver add ana")
  await passphrase("New passphrase for ana's key")
  await passphrase("Again")
  await person.waitFor("ana is an approver")
  await person.waitFor(PROMPT)
  await person.type("nanoguard policy adopt")
  await person.waitFor("Bring this policy into force?")
  await sleep(pause)
  person.press("y", "Enter")
  await passphrase("Passphrase of ana's key")
  await person.waitFor("Signed by ana")
  await person.waitFor(PROMPT)
  await part(
    "A person",
    "From here on nothing that an agent writes changes what is in force: it is a copy on the host, by its hash, signed.",
  )

  scene("person", "3. Keys go into the vault, and never into a box")
  for (const name of ["github", "anthropic"] as const) {
    await person.type(`nanoguard secret set ${name} --for ${name}`)
    await passphrase("Passphrase of ana's key")
    await person.waitFor(`? Value of ${name}`)
    await person.type(machine.keys[name])
    await person.waitFor(`${name} is set`)
    await person.waitFor(PROMPT)
  }
  await part("Keys", "Typed once, sealed, and put onto requests outside of the box.")

  const gate = stage.window("gate")
  await gate.type("nanoguard gateway start --port 0")
  await gate.waitFor("listens on")

  scene("agent", "4. The agent: Claude Code, in a box without a network; a script plays its model")
  await agent.type(`nanoguard run --agent claude-1 -- node /opt/tools/start-claude.mjs '${TICKET}'`)
  await agent.waitFor("refused by policy: vulnerability.severity")
  stage.say("5. axios 1.6.0 has a critical vulnerability: refused, and the refusal says what to run instead")
  await sleep(pause)
  await agent.waitFor("Now I merge the pull request")
  await part(
    "A refusal that is a way out",
    "The version that the ticket names has a critical vulnerability. The agent reads why in its own terminal, with the command that is checked against the policy, and runs that.",
    agent,
  )

  stage.say("6. It merges a pull request: held, until a person has seen what it is")
  await sleep(pause)
  scene("person", "6. What is held comes to the person as a card: the request itself, not what the agent says of it")
  await person.type("nanoguard approve")
  await passphrase("Passphrase of ana's key")
  await person.waitFor(/merges? .*pull|merge_method/)
  await part("Held", "The person's second terminal: what would happen, what is sent, who asks, by which rule.")
  await sleep(700)
  person.press("d")
  await person.waitFor("Why?")
  await sleep(700)
  await person.type(REASON)
  scene("agent", "7. The refusal carries the person's reason; the agent reads it, and asks for what was wanted")
  await agent.waitFor("A person said no: squash it")
  await part("No, and why", "The agent reads the reason in the 403, and asks again, otherwise.", agent)
  scene("person", "8. The corrected request: approved, and signed over its digest")
  await person.waitFor(/squash/)
  await sleep(Math.max(700, pause))
  onPart?.(
    "Yes",
    "The next card says what was denied before, and in which words. `a`, then `y`: signed over the digest of what was shown.",
    person.screen(),
    "person",
  )
  person.press("a")
  await sleep(900)
  person.press("y")
  await agent.waitFor("Receipts are next")
  await sleep(700)
  person.press("q")
  await person.waitFor(PROMPT)
  person.clear()

  scene("agent", "9. pretty-receipts was taken over: its install script sends the environment away, twice")
  await agent.waitFor("I watch the tests")
  await part(
    "A package that steals",
    "Its install script ran, as policy lets it. What it sent went nowhere: first the whole environment, to a host that nobody listed; then the token, in base64, to the crash reports that policy allows.",
    agent,
  )

  scene("person", "10. Who is running, and what was refused")
  await command("nanoguard ps", "claude-1")
  await command("nanoguard audit tail --effect deny", "unbound-placeholder")
  await part(
    "Looking in",
    "Both attempts are in the record. What the script stole was a placeholder, and worth nothing.",
  )

  scene("person", "11. Enough: every agent stops, and stays stopped")
  await command('nanoguard kill --all --reason "looking into pretty-receipts"', "recorded within")
  await agent.waitFor(PROMPT)
  await command("nanoguard run -- true; echo exit $?", "exit 137")
  await part(
    "The kill switch",
    "Boxes are frozen and ended, sockets and placeholders are dead, and nothing starts until somebody signs a `resume`.",
  )
  onPart?.(
    "The agent's terminal, after that",
    "What the run came to, and the terminal as it was.",
    agent.screen(),
    "agent",
  )

  scene("person", "12. The record tells the tale, and that nobody changed it")
  await command("nanoguard audit verify", /intact|verified|fine|holds/i)
  await command("nanoguard audit inventory", "claude-1")
  await part("The record", "Every decision, by whom, under which policy; recomputed, and held against its signatures.")
  gate.press("C-c")
}
