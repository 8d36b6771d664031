// Which form of a page a client wants: the content types of PEP 691, by HTTP's quality values (RFC 9110, 12.5.1).

/** `text` is HTML under the type that clients before PEP 691 know. */
export type Form = "json" | "html" | "text"

export const CONTENT_TYPES: Readonly<Record<Form, string>> = {
  json: "application/vnd.pypi.simple.v1+json",
  html: "application/vnd.pypi.simple.v1+html",
  text: "text/html; charset=utf-8",
}

const TYPES: ReadonlyMap<string, Form> = new Map([
  ["application/vnd.pypi.simple.v1+json", "json"],
  ["application/vnd.pypi.simple.latest+json", "json"],
  ["application/vnd.pypi.simple.v1+html", "html"],
  ["application/vnd.pypi.simple.latest+html", "html"],
  ["text/html", "text"],
  ["application/xhtml+xml", "text"],
  ["text/*", "text"],
  ["*/*", "text"],
])
/** Clients name three or four types; who names more is not answered in more time. */
const MAX_PARTS = 30

/** The form that is wanted most; of equals the first. Plain HTML where the header names nothing that we have: every client reads it. */
export function formOf(accept: string): Form {
  let best: Form = "text"
  let most = 0
  for (const part of accept.slice(0, 2000).split(",", MAX_PARTS)) {
    const [type = "", ...parameters] = part.split(";").map((word) => word.trim().toLowerCase())
    const form = TYPES.get(type)
    const quality = qualityOf(parameters)
    if (form === undefined || quality <= most) continue
    best = form
    most = quality
  }
  return best
}

/** 0 to 1; what is no number of that range counts as not wanted. */
function qualityOf(parameters: readonly string[]): number {
  const given = parameters.find((parameter) => parameter.startsWith("q="))
  if (given === undefined) return 1
  return /^q=(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)$/.test(given) ? Number(given.slice(2)) : 0
}
