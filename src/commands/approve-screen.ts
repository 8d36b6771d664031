// The live queue on a whole screen.
import { drawLive } from "../render/card-live.ts"
import { loadStyle } from "../render/style.ts"
import type { OpenFront } from "./approve-live.ts"
import { openRawTerminal } from "./raw-terminal.ts"

/** Opens the screen. `color` is what `--color` or `--no-color` said. */
export const openScreen =
  (color?: boolean): OpenFront =>
  async (ctx, dispatch) => {
    const style = await loadStyle(ctx.stdout, ctx.env, color)
    const onResize = () => dispatch({ type: "resized", ...terminal.size() })
    const terminal = openRawTerminal(ctx, { onKey: (key) => dispatch({ type: "key", key }), onResize })
    // Once the loop has the front that it draws with.
    setImmediate(onResize)
    return {
      draw: async (state, fetched) => {
        const { lines, fits, last } = drawLive(state, fetched)
        await terminal.draw(lines, style)
        return { fits, last }
      },
      suspend: terminal.suspend,
      close: terminal.close,
    }
  }
