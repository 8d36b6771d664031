// Two boxes in one directory: what the one does to names while the other begins and ends reaches nothing of the host outside of it.
import { execFileSync } from "node:child_process"
import { existsSync, lstatSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { useEngine } from "../../sandbox/engines.ts"
import { SAMPLE } from "../faults/random.ts"
import { type BoxLab, LAB_ENGINES, openBoxLab, USER } from "./lab.ts"

const DIRECTORIES = 8
const ROUNDS = SAMPLE ? 3 : 8
const SECRET = "victim-secret-0b9f6e"

let lab: BoxLab
beforeAll(async () => {
  const guards = Array.from({ length: DIRECTORIES }, (_, at) => `d${at}/guard`)
  lab = await openBoxLab({ policy: () => `  protect: [${guards.join(", ")}]\n  timeout: 3m\n` })
}, 120_000)
afterAll(() => lab?.close())

/** Everything below a directory: kind, mode, owner, content. */
function snapshot(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .sort()
    .map((path) => {
      const stats = lstatSync(join(directory, path))
      const text = stats.isFile() ? readFileSync(join(directory, path), "utf8") : ""
      return `${path} ${stats.mode.toString(8)} ${stats.uid} ${text}`
    })
}

/** Exchanges each directory for a link to elsewhere and back, as fast as it can, until a file says so. */
const attack = (victim: string) => `
  use strict; my @d = map { "d$_" } 0..${DIRECTORIES - 1};
  symlink "${victim}/$_", "l-$_" for @d;
  open my $f, ">", "attacking"; close $f;
  until (-e "stop") { for (1..200) { for my $d (@d) { rename $d, "w-$d"; rename "l-$d", $d; rename $d, "l-$d"; rename "w-$d", $d } } open my $t, ">>", "ticks"; print $t "."; close $t }
`

for (const name of LAB_ENGINES)
  describe(`a box that exchanges directories for links, on ${name}`, () => {
    test("changes nothing outside while others begin and end beside it, in every mode", async (t) => {
      await useEngine(t, name)
      const files: Record<string, string> = { "secret.txt": SECRET, ".git/config": "[core]\n", "shut/file": "x" }
      const tree = Object.fromEntries(
        Array.from({ length: DIRECTORIES }, (_, at) =>
          Object.entries(files).map(([path, text]) => [`d${at}/${path}`, text]),
        ).flat(),
      )
      const victim = lab.directory(`victim-${name}`, tree)
      for (let at = 0; at < DIRECTORIES; at++) execFileSync("chmod", ["0500", join(victim, `d${at}/shut`)])
      const own = Object.fromEntries(Array.from({ length: DIRECTORIES }, (_, at) => [`d${at}/own.txt`, "own"]))
      const filler = Object.fromEntries(Array.from({ length: 400 }, (_, at) => [`a${at % 20}/f${at}.txt`, "x"]))
      const root = lab.workspace(`both-${name}`, { ...own, ...filler })
      const before = snapshot(victim)
      const attacker = lab.run(
        name,
        root,
        ["perl", "-e", attack(victim)],
        ["--agent", "attacker", "--workspace", "direct"],
      )
      for (let tries = 0; !existsSync(join(root, "attacking")) && tries < 400; tries++) await sleep(50)
      expect(existsSync(join(root, "attacking"))).toBe(true)
      const look = `cat d*/*.txt 2>/dev/null | sort | uniq -c; echo done; chmod 0500 a1`
      const seen: string[] = []
      const ticks = () => lstatSync(join(root, "ticks"), { throwIfNoEntry: false })?.size ?? 0
      for (let round = 0; round < ROUNDS; round++)
        for (const mode of ["direct", "copy"]) {
          const options = ["--agent", "other", "--workspace", mode, "--discard"]
          const { exit, terminal } = await lab.run(name, root, ["sh", "-c", look], options)
          expect(`${exit} ${terminal}`).toMatch(/^0 /)
          seen.push(terminal)
          // It goes on all the same, each time.
          const before = ticks()
          await expect.poll(ticks, { timeout: 20_000 }).toBeGreaterThan(before)
        }
      expect(seen.join("\n")).not.toContain(SECRET)
      expect(seen.every((text) => text.includes("done"))).toBe(true)
      expect(lstatSync(join(root, "stop"), { throwIfNoEntry: false })).toBeUndefined()
      writeFileSync(join(root, "stop"), "")
      expect(await attacker).toMatchObject({ exit: 0 })
      expect(snapshot(victim)).toEqual(before)
      expect(lstatSync(root).uid).toBe(USER)
    }, 240_000)
  })
