// The probes of `nanoguard selftest`, run inside of a box. One line of JSON for each on stdout; nothing here does harm where it gets through.
import { probes as files } from "./files.mjs"
import { probes as kernel } from "./kernel.mjs"
import { probes as limits } from "./limits.mjs"
import { probes as network } from "./network.mjs"
import { probes as processes } from "./processes.mjs"
import { probes as reach } from "./reach.mjs"

/** Milliseconds for one probe. */
const LIMIT = 20_000

const words = process.argv.slice(2)
const wanted = words.filter((word) => !word.startsWith("-"))
const left =
  words
    .find((word) => word.startsWith("--without="))
    ?.slice("--without=".length)
    .split(",") ?? []
for (const { id, item, title, run } of [...network, ...reach, ...files, ...kernel, ...processes, ...limits]) {
  if (wanted.length > 0 && !wanted.includes(id)) continue
  if (left.includes(id)) continue
  if (words.includes("--list")) {
    process.stdout.write(
      `${JSON.stringify({ probe: id, item, title, state: "cannot-tell", saw: "the box did not say" })}\n`,
    )
    continue
  }
  const late = new Promise((resolve) =>
    setTimeout(() => resolve({ state: "cannot-tell", saw: "took too long" }), LIMIT).unref(),
  )
  const failed = (error) => ({
    state: "cannot-tell",
    saw: `the probe failed: ${error?.code ?? error?.message ?? error}`,
  })
  const outcome = await Promise.race([Promise.resolve().then(run).catch(failed), late])
  // A line of its own, also where what a probe did stands on the terminal.
  process.stdout.write(`\n${JSON.stringify({ probe: id, item, title, ...outcome })}\n`)
}
process.stdout.write('{"probe":"end"}\n', () => process.exit(0))
