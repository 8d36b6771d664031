// The clauses that several kinds of rules share: hosts, methods, paths, ports; and what only requests have.
import type { LayerContext } from "./compile-packages.ts"
import type { Clause } from "./compiled.ts"
import { compileGlob, type Glob, isNormalPath, matchSegment } from "./glob.ts"
import { matchesHost, parseHostPattern } from "./hosts.ts"
import { nearest } from "./nearest.ts"
import { accessOf, SERVICES } from "./service-names.ts"
import { plainText } from "./text.ts"
import type { NetworkAction } from "./types.ts"
import { type Path, policyError } from "./yaml.ts"

/** Holds where one of the host patterns fits. */
export function hostClause<A extends { host: string }>(
  texts: readonly string[],
  layer: LayerContext,
  path: Path,
): Clause<A> {
  const patterns = texts.map((text, index) => {
    const pattern = parseHostPattern(text)
    const place = () => layer.yaml.where([...path, index])
    if (!pattern)
      return policyError(
        "this is not a host pattern",
        place(),
        "it wants a host alone, *.example.com, **.example.com or **",
      )
    return pattern
  })
  return {
    field: "host",
    wanted: texts.join(", "),
    holds: ({ host }) => patterns.some((pattern) => matchesHost(pattern, host)),
    actual: ({ host }) => plainText(host, 253),
  }
}

/** Holds for the methods listed. */
export function methodClause<A extends { method: string }>(methods: readonly string[]): Clause<A> {
  const wanted = new Set(methods)
  return {
    field: "method",
    wanted: methods.join(", "),
    holds: ({ method }) => wanted.has(method),
    actual: ({ method }) => plainText(method, 30),
  }
}

/** A path that is not in normal form meets every rule that restricts and none that permits. */
export function pathClause<A extends { path: string }>(
  texts: readonly string[],
  restricts: boolean,
  layer: LayerContext,
  path: Path,
): Clause<A> {
  const globs: Glob[] = texts.map((text, index) => {
    const glob = compileGlob(text)
    const place = () => layer.yaml.where([...path, index])
    if (!glob || !/^(?:\/|\*\*\/)/.test(text) || !isNormalPath(text.replace(/^\*\*/, ""))) {
      return policyError(
        "this is not a path pattern",
        place(),
        "it starts with /, * stays within a segment, ** is a whole segment",
      )
    }
    return glob
  })
  return {
    field: "path",
    wanted: texts.join(", "),
    holds: (action) => (isNormalPath(action.path) ? globs.some((glob) => glob.test(action.path)) : restricts),
    actual: (action) => plainText(action.path, 300),
  }
}

/** Holds for the ports listed. */
export function portClause<A extends { port?: number }>(ports: readonly number[]): Clause<A> {
  const wanted = new Set(ports)
  return {
    field: "port",
    wanted: ports.join(", "),
    holds: ({ port = 443 }) => wanted.has(port),
    actual: ({ port = 443 }) => String(port),
  }
}

/**
 * An operation that could not be learnt, because the body was not read, meets every rule that restricts and none that permits; so does one
 * that readers may differ about.
 */
export function operationClause(
  patterns: readonly string[],
  restricts: boolean,
  layer: LayerContext,
  path: Path,
): Clause<NetworkAction> {
  for (const [index, pattern] of patterns.entries()) {
    const service = pattern.split(":")[0] ?? ""
    if ((SERVICES as readonly string[]).includes(service)) continue
    const near = nearest(service, SERVICES)
    policyError(
      `no service is called ${plainText(service, 40)}`,
      layer.yaml.where([...path, index]),
      near ? `did you mean ${near}?` : `services are ${SERVICES.join(", ")}`,
    )
  }
  return {
    field: "operation",
    wanted: patterns.join(", "),
    holds: ({ operation, unread }) =>
      operation && unread !== "ambiguous"
        ? patterns.some((pattern) => matchSegment(pattern, operation))
        : restricts && unread !== undefined,
    actual: ({ operation, unread }) =>
      plainText(
        unread === undefined ? operation || "none that is known" : `${operation || "not read"} (${unread})`,
        200,
      ),
  }
}

/** Holds for what reads, or for what writes; by the method where the service is not known. */
export function accessClause(wanted: "read" | "write"): Clause<NetworkAction> {
  return {
    field: "access",
    wanted,
    holds: ({ access, method, scheme }) => (access ?? accessOf(method, scheme)) === wanted,
    actual: ({ access, method, scheme }) => access ?? accessOf(method, scheme),
  }
}
