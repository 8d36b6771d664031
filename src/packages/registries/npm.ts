// The npm registry: documents of packages in their full form.
import type { Registry } from "../types.ts"
import { fetchDocument, type Services } from "./fetch-document.ts"
import { reducePackument } from "./npm-document.ts"
import type { BaseOf } from "./upstreams.ts"
import { ELSEWHERE, NOT_A_NAME } from "./values.ts"

export interface Endpoints {
  baseUrl: string
  baseOf: BaseOf
  authorize: (url: URL) => string | undefined
}

/** Old names may hold capitals and some signs; slashes, dots in front and white space never (npm's documentation: package.json, name). */
const NAME = /^(?:@[A-Za-z0-9~!'()*-][A-Za-z0-9._~!'()*-]*\/)?[A-Za-z0-9~!'()*-][A-Za-z0-9._~!'()*-]*$/

/** Asks the npm registry that each name belongs to, and no other. */
export function createNpmRegistry(services: Services, { baseUrl, baseOf, authorize }: Endpoints): Registry {
  return {
    ecosystem: "npm",
    baseUrl,
    isHomeOf: (name, origin) => isNpmName(name) && baseOf(name, origin) === baseUrl,
    document: async (name, need = {}) => {
      if (!isNpmName(name)) return NOT_A_NAME
      const base = baseOf(name, need.origin)
      if (base === undefined) return ELSEWHERE
      const keep = { requires: need.requires === true, signatures: need.verify === true }
      const result = await fetchDocument(services, {
        ecosystem: "npm",
        name,
        url: `${base}/${name.replace("/", "%2f")}`,
        accept: "application/json",
        authorize,
        versions: need.versions,
        variant: `${keep.requires ? "requires" : ""} ${keep.signatures ? "signatures" : ""}`,
        reduce: (body, now) => reducePackument(body, name, now, keep),
      })
      if (!need.verify || !result.ok) return result
      const { verifyReleases } = await import("./npm-provenance.ts")
      return {
        ok: true,
        document: await verifyReleases(services, result.document, need.versions ?? [], { base, authorize }),
      }
    },
  }
}

/** Whether the npm registry can hold a package of that name; anything else never becomes part of an address. */
export function isNpmName(name: string): boolean {
  return name.length <= 214 && NAME.test(name)
}
