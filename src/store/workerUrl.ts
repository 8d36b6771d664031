// Where a worker thread's code is: in development a source file, in the package an entry of the bundle.

export type WorkerName = "committer" | "deriver" | "hasher"

/** The source of each worker, from this file; in the bundle each is `dist/<name>.js`. */
const SOURCES = {
  committer: "./committer.ts",
  deriver: "../audit/derive/deriver.ts",
  hasher: "../audit/verify/hasher.ts",
} as const satisfies Record<WorkerName, string>

/**
 * The address for `new Worker(...)`. Sources are run as they are (Node strips their types); in the bundle this module is in
 * `dist/` or one of its folders, and the entries are in `dist/` itself. `here` is this module's own address.
 */
export function workerUrl(name: WorkerName, here: string = import.meta.url): URL {
  if (here.endsWith(".ts")) return new URL(SOURCES[name], here)
  const dist = here.lastIndexOf("/dist/")
  if (dist < 0) return new URL(`./${name}.js`, here)
  return new URL(`${name}.js`, here.slice(0, dist + "/dist/".length))
}
