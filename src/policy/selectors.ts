// What a rule may look at in a request, and the conditions on it: `where: { query.page: { max: 10 } }`.
import type { LayerContext } from "./compile-packages.ts"
import type { Clause } from "./compiled.ts"
import { nearest } from "./nearest.ts"
import { plainText } from "./text.ts"
import type { NetworkAction } from "./types.ts"
import { compileValueTest, type ValueClause } from "./value-tests.ts"
import { type Path, policyError } from "./yaml.ts"

/** Selectors without a name of their own. */
const FIXED = ["graphql.type", "graphql.name", "graphql.fields", "mcp.method", "mcp.tool"]
const FAMILIES = ["query.page", "header.x-name", "json:/pointer", "form.name", ...FIXED]

/** What is wrong with a selector, and what was probably meant; undefined where nothing is. */
function selectorProblem(text: string): { message: string; hint: string } | undefined {
  if (FIXED.includes(text)) return undefined
  const wrong = (hint: string) => ({ message: `${plainText(text, 80)} is no selector`, hint })
  if (text.startsWith("json:")) {
    const pointer = text.slice(5)
    // RFC 6901, section 3.
    if (/^(?:\/(?:[^/~]|~[01])*)+$/.test(pointer)) return undefined
    const near = `json:/${pointer.replaceAll(".", "/").replace(/^\/+/, "")}`
    return wrong(`did you mean ${plainText(near, 80)}? It wants a JSON pointer (RFC 6901)`)
  }
  const [, family = "", name = ""] = /^(query|header|form)\.(.+)$/s.exec(text) ?? []
  if (family === "header") {
    if (/^[a-z0-9!#$%&'*+.^_`|~-]+$/.test(name)) return undefined
    return wrong(`did you mean header.${plainText(name.toLowerCase().replace(/\s/g, ""), 60)}?`)
  }
  if (family !== "") return undefined
  const near = /^(?:q(?:ue?r?y?)?|params?|args?)[.:]/i.test(text)
    ? `query.${text.replace(/^\w+[.:]/, "")}`
    : /^headers?[.:]/i.test(text)
      ? `header.${text.replace(/^\w+[.:]/, "").toLowerCase()}`
      : /^(?:body|json)[.:/]/i.test(text)
        ? `json:/${text.replace(/^\w+[.:/]+/, "").replaceAll(".", "/")}`
        : nearest(text, FIXED)
  return wrong(near === undefined ? `selectors are ${FAMILIES.join(", ")}` : `did you mean ${plainText(near, 80)}?`)
}

/** Whether a selector asks for the body: what `unread` leaves without an answer. */
const readsBody = (selector: string) => !selector.startsWith("query.") && !selector.startsWith("header.")

/** One clause a selector. Where the body was not read, a rule that restricts by it is met, and one that permits by it is not. */
export function compileWhere(
  source: Readonly<Record<string, ValueClause>>,
  permits: boolean,
  layer: LayerContext,
  path: Path,
): Clause<NetworkAction>[] {
  return Object.entries(source).map(([selector, clause]) => {
    const problem = selectorProblem(selector)
    if (problem) policyError(problem.message, layer.yaml.where([...path, selector], true), problem.hint)
    const test = compileValueTest(clause, { permits, textual: true, layer, path: [...path, selector] })
    const ofBody = readsBody(selector)
    const fieldOf = ({ fields }: NetworkAction) =>
      fields !== undefined && Object.hasOwn(fields, selector) ? fields[selector] : undefined
    return {
      field: `where ${plainText(selector, 120)}`,
      wanted: plainText(JSON.stringify(clause), 200),
      holds: (action) => (ofBody && action.unread !== undefined ? !permits : test(fieldOf(action))),
      actual: (action) =>
        ofBody && action.unread !== undefined
          ? `not read (${plainText(action.unread, 30)})`
          : plainText(JSON.stringify(fieldOf(action)) ?? "none", 200),
    }
  })
}
