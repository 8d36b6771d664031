// The npm registry: documents of packages in their full form.
import type { DocumentResult, Registry } from "../types.ts"
import { fetchDocument, type Services } from "./fetch-document.ts"
import { reducePackument } from "./npm-document.ts"

export interface NpmEndpoints {
  baseUrl: string
  /** The registry that a name is pinned to, where it is not the default one. */
  baseOf: (name: string) => string
  authorize: (url: URL) => string | undefined
}

/** Old names may hold capitals and some signs; slashes, dots in front and white space never (docs.npmjs.com: package.json, name). */
const NAME = /^(?:@[A-Za-z0-9~!'()*-][A-Za-z0-9._~!'()*-]*\/)?[A-Za-z0-9~!'()*-][A-Za-z0-9._~!'()*-]*$/

/** Asks the npm registry that each name belongs to, and no other. */
export function createNpmRegistry(services: Services, endpoints: NpmEndpoints): Registry {
  return {
    ecosystem: "npm",
    baseUrl: endpoints.baseUrl,
    document: async (name, need = {}): Promise<DocumentResult> => {
      if (!isNpmName(name)) return { ok: false, reason: "invalid", detail: "the name is not one that npm admits" }
      const requires = need.requires === true
      return fetchDocument(services, {
        ecosystem: "npm",
        name,
        url: `${endpoints.baseOf(name)}/${name.replace("/", "%2f")}`,
        accept: "application/json",
        authorize: endpoints.authorize,
        variant: requires ? "requires" : "",
        reduce: (body, now) => reducePackument(body, name, now, requires),
      })
    },
  }
}

/** Whether the npm registry can hold a package of that name; anything else never becomes part of an address. */
export function isNpmName(name: string): boolean {
  return name.length <= 214 && NAME.test(name)
}
