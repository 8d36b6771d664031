// The live queue as plain paragraphs with numbered choices: for screen readers, and terminals that cannot be drawn on.
import { createInterface } from "node:readline"
import type { Output } from "../context.ts"
import { plainScreen } from "../render/card-plain.ts"
import type { OpenFront } from "./approve-live.ts"

/** Columns of a paragraph where the terminal says nothing. */
const COLUMNS = 100

/** Opens the plain front: it writes what changed, and reads lines. */
export const openPlain: OpenFront = async (ctx, dispatch) => {
  const lines = createInterface({ input: ctx.stdin, terminal: false })
  let said = ""
  let keys: readonly string[] = []
  let reads = false
  const onLine = (line: string) => {
    const text = line.trim()
    // Where a text is asked for a line is that text; else it is the number of a choice.
    if (reads) return dispatch({ type: "line", text })
    const key = /^\d{1,2}$/.test(text) ? keys[Number(text) - 1] : undefined
    if (key !== undefined) dispatch({ type: "key", key })
    else if (text !== "") ctx.stdout.write("That is none of the choices.\n")
  }
  const quit = () => dispatch({ type: "key", key: "ctrl-c" })
  lines.on("line", onLine)
  lines.on("close", quit)
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, quit)
  setImmediate(() => dispatch({ type: "resized", columns: columnsOf(ctx.stdout), rows: 1000 }))
  return {
    draw: async (state, fetched) => {
      const screen = plainScreen(state, fetched, columnsOf(ctx.stdout))
      keys = screen.choices.map(({ key }) => key)
      reads = screen.reads
      // The clock alone is nothing to be read out again.
      if (screen.sign !== said) {
        said = screen.sign
        await new Promise<void>((resolve) => ctx.stdout.write(screen.text, () => resolve()))
      }
      return { fits: screen.fits, last: 0 }
    },
    suspend: () => {},
    close: () => {
      for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.off(signal, quit)
      lines.off("close", quit)
      lines.close()
    },
  }
}

const columnsOf = ({ columns }: Output) => Math.max(40, columns ?? COLUMNS)
