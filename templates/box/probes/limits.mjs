// K6: what one box may use up. Each attempt is bounded, also where no limit holds.
import { spawnSync } from "node:child_process"
import { broke, config, held, unknown } from "./tools.mjs"

const MEBIBYTE = 2 ** 20

/** Runs a script by node in a process of its own, and returns the last line that it printed and how it ended. Throws where it did not run, or not to its end. */
function runNode(script, timeout = 15_000) {
  const ran = spawnSync(process.execPath, ["--max-old-space-size=64", "-e", script], {
    encoding: "utf8",
    timeout,
    maxBuffer: MEBIBYTE,
  })
  if (ran.error !== undefined) throw ran.error
  return {
    said: (ran.stdout ?? "").trim().split("\n").at(-1) ?? "",
    ended: ran.signal ?? ran.status,
  }
}

export const probes = [
  {
    ...{ id: "fork-bomb", item: "K6", title: "more processes than the box may have" },
    run: () => {
      const { pids } = config.limits
      if (pids === undefined || pids > 4096) return unknown("the limit is too high to be tried here")
      const most = pids + 64
      const perl = `my ($n,@p)=(0); for (1..${most}) { my $p=fork; last unless defined $p; if(!$p){sleep 20; exit} push @p,$p; $n++ } print $n; kill 9,@p; waitpid $_,0 for @p;`
      const ran = spawnSync("perl", ["-e", perl], { encoding: "utf8", timeout: 18_000 })
      const count = Number(ran.stdout)
      if (ran.error !== undefined || ran.stdout === "" || Number.isNaN(count))
        return unknown("perl is not here, or could not be started")
      return count < most ? held(`stopped after ${count}`) : broke(`${count} processes, and ${pids} are allowed`)
    },
  },
  {
    ...{ id: "memory", item: "K6", title: "more memory than the box may have" },
    run: () => {
      const { memory } = config.limits
      if (memory === undefined || memory > 512 * MEBIBYTE) return unknown("the limit is too high to be tried here")
      // Where only each process can be limited, it is allowed what a program reserves and never uses besides.
      const blocks = Math.ceil((memory + 1024 * MEBIBYTE) / (16 * MEBIBYTE))
      const { said, ended } = runNode(
        `const kept=[]; for (let i=1;i<=${blocks};i++) { kept.push(Buffer.alloc(${16 * MEBIBYTE}, i)); require("node:fs").writeSync(1, i + "\\n") }`,
      )
      return Number(said) < blocks
        ? held(`ended (${ended}) at ${Number(said) * 16} MiB, and ${memory / MEBIBYTE} MiB are allowed`)
        : broke(`${blocks * 16} MiB were used`)
    },
  },
  {
    ...{ id: "open-files", item: "K6", title: "more open files than a process may have" },
    run: () => {
      const most = config.limits.files
      if (most === undefined || most > 100_000) return unknown("no limit is set")
      const { said } = runNode(
        `const fs=require("node:fs"); let n=0; try { for (;n<${most + 64};n++) fs.openSync("/dev/null") } catch {} process.stdout.write(String(n))`,
      )
      if (said === "") return unknown("none could be opened")
      return Number(said) < most + 64
        ? held(`stopped after ${said}`)
        : broke(`${said} open files, and ${most} are allowed`)
    },
  },
  {
    ...{ id: "core-dumps", item: "K6", title: "memory written to disk as core dumps" },
    run: () => {
      const limits = spawnSync("/bin/sh", ["-c", "ulimit -Hc"], { encoding: "utf8" }).stdout?.trim()
      if (limits === undefined || limits === "") return unknown("there is no shell")
      return limits === "0" ? held("none are written") : broke(`cores of ${limits} blocks may be written`)
    },
  },
]
