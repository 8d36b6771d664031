// Host names that are made to look like others: shown in both spellings, with what is odd about them.
import { domainToUnicode } from "node:url"
import { canonicalHost } from "../policy/hosts.ts"
import { cleanText } from "./clean.ts"

/** Scripts whose letters are taken for Latin ones, and those that are written beside each other by custom. */
const SCRIPTS = [
  "Latin",
  "Cyrillic",
  "Greek",
  "Armenian",
  "Georgian",
  "Cherokee",
  "Hebrew",
  "Arabic",
  "Han",
  "Hiragana",
  "Katakana",
  "Hangul",
  "Thai",
  "Devanagari",
] as const
const TESTS = SCRIPTS.map((script) => [script, new RegExp(`\\p{Script=${script}}`, "u")] as const)
const TOGETHER: readonly ReadonlySet<string>[] = [
  new Set(["Latin", "Han", "Hiragana", "Katakana"]),
  new Set(["Latin", "Han", "Hangul"]),
]

// Letters that are drawn as a Latin one in most fonts (a selection of Unicode Technical Standard 39's confusables).
const LIKE: Readonly<Record<string, string>> = {
  ...{
    а: "a",
    е: "e",
    о: "o",
    р: "p",
    с: "c",
    у: "y",
    х: "x",
    і: "i",
    ј: "j",
    ѕ: "s",
    ԁ: "d",
    һ: "h",
    ԛ: "q",
    ԝ: "w",
    к: "k",
    м: "m",
    т: "t",
    в: "b",
    н: "h",
    ӏ: "l",
    ѵ: "v",
  },
  ...{ α: "a", ο: "o", ν: "v", ρ: "p", ι: "i", κ: "k", υ: "u", τ: "t", χ: "x", η: "n", ω: "w" },
  ...{ օ: "o", ո: "n", ս: "u", հ: "h", ց: "g", զ: "q" },
  ...{ ı: "i", ɑ: "a", ɡ: "g", ł: "l", ø: "o", ḷ: "l", ẹ: "e", ọ: "o", ạ: "a" },
}

/** What a person should know about a host's name before they take it for another one: one sentence each, clean; none for plain names. */
export function oddHost(host: string): string[] {
  // An address in brackets, or a name that the gate would not have made.
  if (canonicalHost(host) === undefined) return [`the host is no proper name: ${cleanText(host, 120)}`]
  if (!/(?:^|\.)xn--/.test(host)) return []
  const unicode = domainToUnicode(host)
  const shown = unicode === "" || unicode === host ? undefined : unicode
  if (shown === undefined) return [`the host has a label that stands for other letters, and they cannot be read`]
  const labels = shown.normalize("NFC").split(".")
  const like = labels.map((label) => [...label].map((char) => LIKE[char] ?? plainLetter(char)).join("")).join(".")
  const odd = labels.filter((label) => /[^a-z0-9-]/.test(label))
  if (/^[a-z0-9.-]+$/.test(like))
    return [`the host reads ${cleanText(shown, 120)} and is not ${like}: ${oddLetters(odd.join(""))}`]
  const mixed = odd.flatMap((label) => {
    const scripts = TESTS.flatMap(([script, test]) => (test.test(label) ? [script as string] : []))
    const isUsual = scripts.length < 2 || TOGETHER.some((set) => scripts.every((script) => set.has(script)))
    return isUsual ? [] : [`; ${cleanText(label, 80)} mixes ${scripts.join(" and ")} letters: ${oddLetters(label)}`]
  })
  return [`the host reads ${cleanText(shown, 120)}${mixed.join("")}`]
}

/** The letters that are no ASCII, by code point: what is drawn alike is told apart by it. */
function oddLetters(label: string): string {
  const odd = [...new Set(label)].filter((char) => char > "\x7f")
  const named = odd.slice(0, 4).map((char) => {
    const script = TESTS.find(([, test]) => test.test(char))?.[0]
    return `U+${char.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}${script === undefined ? "" : ` is ${script}`}`
  })
  return odd.length > named.length ? `${named.join(", ")} ...` : named.join(", ")
}

/** A letter without its marks. */
const plainLetter = (char: string) => char.normalize("NFD").replace(/\p{M}/gu, "")
