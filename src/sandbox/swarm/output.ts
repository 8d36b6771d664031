// What agents of a swarm print, line by line behind their names: none of them reaches the terminal with anything but text.

import { Writable } from "node:stream"
import { StringDecoder } from "node:string_decoder"
import type { Output } from "../../context.ts"
import { cleanText } from "../../render/clean.ts"
import { takesMore } from "../terminal/drain.ts"

const MAX_LINE = 16 * 1024
const MAX_SHOWN = 4_000

/**
 * A stream whose lines appear on `to` behind `prefix`; a line that does not end is shown in parts. Without its own end `to` stays open. Where
 * nobody reads `to` any more (`| head`) it fails, so that the agent's box is told as any program is.
 */
export function prefixLines(to: Output, prefix: string): Output {
  const decoder = new StringDecoder("utf8")
  let rest = ""
  const take = (text: string) => {
    const lines = (rest + text).split("\n")
    rest = lines.pop() ?? ""
    while (rest.length > MAX_LINE) {
      lines.push(rest.slice(0, MAX_LINE))
      rest = rest.slice(MAX_LINE)
    }
    return lines.map((line) => `${prefix}${cleanText(withoutColours(line.replace(/\r$/, "")), MAX_SHOWN)}\n`).join("")
  }
  const output = new Writable({
    write: (chunk: Buffer, _, done) => {
      const shown = take(decoder.write(chunk))
      if (shown === "" || to.write(shown)) return done()
      void takesMore(to).then((more) => done(more ? null : new Error("nobody reads this any more")))
    },
    final: (done) => {
      const shown = rest + decoder.end() === "" ? "" : take("\n")
      if (shown !== "") to.write(shown)
      done()
    },
  })
  // Whoever shows a box here hears of it, too; once its box is gone nobody does.
  return output.on("error", () => {})
}

/** Colours are common and say nothing here; whatever else begins with an escape is shown as what it is. */
const withoutColours = (line: string) => line.replace(/\x1b\[[\d;]{0,40}m/g, "").replaceAll("\t", "    ")
