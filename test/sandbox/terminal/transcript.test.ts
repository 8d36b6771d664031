// What of a run's output is kept on the host.
import { chmodSync, readdirSync, readFileSync, statSync, symlinkSync, utimesSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { Writable } from "node:stream"
import { expect, test } from "vitest"
import { attachLaunch } from "../../../src/sandbox/terminal/attach.ts"
import { openTranscript, TRANSCRIPT_BYTES, transcriptPath } from "../../../src/sandbox/terminal/transcript.ts"
import { temporaryDirectory, testContext } from "../../context.ts"

const RUN = "run-0123456789ab"
const context = () => testContext(temporaryDirectory())
const silent = () => {
  throw new Error("there was no trouble to be told of")
}

test("is what the box printed, for its owner's eyes, without what reaches beyond a screen", async () => {
  const ctx = { ...context(), stdout: sink(), stderr: sink() }
  const script = String.raw`printf 'one \033[31mred\033[0m \033]0;title\007\033]52;c;AAAA\007\n'; echo two >&2`
  const signal = new AbortController().signal
  const launch = { file: "/bin/sh", args: ["-c", script] }
  await attachLaunch(ctx, launch, { tty: false, signal, transcript: RUN, onNote: silent })
  const path = transcriptPath(ctx, RUN)
  expect(readFileSync(path, "utf8").split("\n").sort()).toEqual(["", "one \u001b[31mred\u001b[0m ", "two"])
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(statSync(dirname(path)).mode & 0o777).toBe(0o700)
})

test("ends at its bound, and says so", () => {
  const ctx = context()
  const transcript = openTranscript(ctx, RUN, silent)
  const keep = transcript.stream()
  for (let i = 0; i < 6; i++) keep(Buffer.alloc(TRANSCRIPT_BYTES / 4, "x"))
  transcript.close()
  const text = readFileSync(transcriptPath(ctx, RUN), "utf8")
  expect(text.length).toBeLessThan(TRANSCRIPT_BYTES + 100)
  expect(text).toMatch(/xx\nnanoguard: the rest is not kept\n$/)
})

test("makes room for itself: the last fifty runs are kept", () => {
  const ctx = context()
  const print = (run: string) => {
    const transcript = openTranscript(ctx, run, silent)
    transcript.stream()(Buffer.from("x"))
    transcript.close()
  }
  const runs = Array.from({ length: 55 }, (_, index) => `run-${String(index).padStart(12, "0")}`)
  for (const [index, run] of runs.entries()) {
    print(run)
    utimesSync(transcriptPath(ctx, run), index, index)
  }
  const left = readdirSync(dirname(transcriptPath(ctx, RUN))).sort()
  expect(left).toEqual(runs.slice(5).map((run) => `${run}.log`))
})

test("a box that prints nothing leaves none; one that cannot be kept is told once, and no link is followed", () => {
  const ctx = context()
  openTranscript(ctx, RUN, silent).close()
  const path = transcriptPath(ctx, RUN)
  expect(() => statSync(path)).toThrow("ENOENT")
  const first = openTranscript(ctx, "run-ffffffffffff", silent)
  first.stream()(Buffer.from("x"))
  first.close()
  const target = join(ctx.cwd, "target")
  writeFileSync(target, "mine")
  symlinkSync(target, path)
  chmodSync(target, 0o666)
  const told: string[] = []
  const keep = openTranscript(ctx, RUN, (why) => told.push(why)).stream()
  keep(Buffer.from("a"))
  keep(Buffer.from("b"))
  expect(told).toEqual(["what the box prints is not kept: EEXIST"])
  expect(readFileSync(target, "utf8")).toBe("mine")
})

function sink(): Writable {
  return new Writable({ write: (_chunk, _encoding, done) => done() })
}
