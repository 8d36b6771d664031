// What stands behind a marker, decoded as the marker was: the rest of its core, which `readPlaceholder` checks.
import type { Chain, Layer } from "./find-forms.ts"
import { CORE_REST } from "./placeholder.ts"

/** Bytes behind a marker that are enough for the rest of its core in every form. Longer ways to write it end it. */
export const LOOKAHEAD = 640

const BREAKS = /[\r\n]|\\{1,4}[nr]|%0[AaDd]/g
const TOKEN =
  /([A-Za-z0-9-])|%(?:25)*((?:[0-9A-Fa-f]|%3\d|%[46][1-6]){2})|\\+[uU]00([0-9A-Fa-f]{2})|\\+x([0-9A-Fa-f]{2})|&(?:amp;)*#0*(\d{2,3})(?:;|(?!\d))|&(?:amp;)*#[xX]0*([0-9A-Fa-f]{2});?|=([0-9A-F]{2})|=?[\r\n]+|;/y

/** A hexadecimal digit that is encoded itself. */
const DIGIT = /%([346][0-9])/g

/** The characters of a core that follow, out of whatever escapes; `escaped` names the first one that was met. */
function readText(text: string): { rest: string; escaped?: string } {
  let rest = ""
  let escaped: string | undefined
  TOKEN.lastIndex = 0
  while (rest.length < CORE_REST) {
    const at = TOKEN.lastIndex
    const found = TOKEN.exec(text)
    if (found === null) break
    const [, plain, percent, json, x, decimal, hex, quoted] = found
    const code =
      percent?.replaceAll(DIGIT, (_, digit: string) => String.fromCharCode(Number.parseInt(digit, 16))) ??
      json ??
      x ??
      hex ??
      quoted
    const char =
      plain ?? String.fromCharCode(code === undefined ? Number(decimal ?? Number.NaN) : Number.parseInt(code, 16))
    if (plain === undefined) escaped ??= escapeOf(text.slice(at, at + 1))
    if (/^[A-Za-z0-9-]$/.test(char)) rest += char
    else if (code !== undefined || decimal !== undefined) break
  }
  return escaped === undefined ? { rest } : { rest, escaped }
}

/** Of which encoding an escape is, by how it begins. */
export function escapeOf(text: string): string | undefined {
  if (text.includes("\\")) return "json"
  if (text.includes("%")) return "percent"
  if (text.includes("&")) return "html"
  return text.includes("=") ? "quoted-printable" : undefined
}

/** Bytes that follow a layer's needle, as bytes that follow what is encoded in it. */
function unwrap({ encoding, needle, shift, length }: Layer, text: string): string {
  if (encoding === "utf-16") return text.replaceAll("\0", "")
  if (encoding === "hex") {
    return Buffer.from(/^[0-9A-Fa-f]*/.exec(text.replaceAll(/[\r\n]/g, ""))![0], "hex").toString("latin1")
  }
  const more = /^[A-Za-z0-9+/_-]*/.exec(text.replaceAll(BREAKS, ""))![0]
  const before = "A".repeat(Math.ceil((8 * shift) / 6))
  return Buffer.from(`${before}${needle}${more}`, "base64")
    .subarray(shift + length)
    .toString("latin1")
}

/** The rest of a core, from the bytes behind its marker (as latin1, at most `LOOKAHEAD`), and how it is written. */
export function decodeRest(chain: Chain, behind: string): { rest: string; encoding: string } {
  const { rest, escaped } = readText(chain.reduce((text, layer) => unwrap(layer, text), behind))
  return { rest, encoding: chain.map(({ encoding }) => encoding).join("+") || (escaped ?? "plain") }
}
