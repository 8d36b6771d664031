// Arguments of a binding as what they are: whoever may write rows may write any, and a card has to hold out against it.
import type { Binding, Json, NetworkArguments, PackageArguments } from "./types.ts"

/** The arguments of a request of the network; undefined for other kinds, and for what only claims to be one. */
export function readNetwork({
  kind,
  arguments: bound,
}: Pick<Binding, "kind" | "arguments">): NetworkArguments | undefined {
  if (kind !== "network" || !isObject(bound)) return undefined
  const { port, headers, body, codes, also, provenance } = bound
  const texts = ["method", "scheme", "host", "path", "query", "rule", "reason"].every((name) => isText(bound[name]))
  const options = ["operation", "access", "credential", "opening"].every((name) => isMaybeText(bound[name]))
  const sound =
    texts &&
    options &&
    Number.isSafeInteger(port) &&
    isObject(headers) &&
    Object.values(headers).every(isText) &&
    isTexts(codes) &&
    (also === undefined || isTexts(also)) &&
    (provenance === undefined || isTexts(provenance)) &&
    (body === undefined ||
      (isObject(body) && isHash(body["sha256"]) && isText(body["type"]) && Number.isSafeInteger(body["size"])))
  return sound ? (bound as unknown as NetworkArguments) : undefined
}

/** The arguments of a package or an exception; undefined for other kinds, and for what only claims to be one. */
export function readPackage({
  kind,
  arguments: bound,
}: Pick<Binding, "kind" | "arguments">): PackageArguments | undefined {
  if ((kind !== "package" && kind !== "exception") || !isObject(bound)) return undefined
  const { purl, integrity, codes, advisories, missing } = bound
  const lists = [advisories, missing].every((list) => list === undefined || isTexts(list))
  return isText(purl) && isMaybeText(integrity) && isTexts(codes) && lists
    ? (bound as unknown as PackageArguments)
    : undefined
}

const isHash = (value: Json | undefined) => isText(value) && /^[0-9a-f]{64}$/.test(value)
const isText = (value: Json | undefined): value is string => typeof value === "string"
const isMaybeText = (value: Json | undefined) => value === undefined || isText(value)
const isTexts = (value: Json | undefined) => Array.isArray(value) && value.every(isText)
const isObject = (value: Json | undefined): value is { readonly [name: string]: Json } =>
  typeof value === "object" && value !== null && !Array.isArray(value)
