// `advisories update`: which sources, and what of the index in use stays.
import { existsSync } from "node:fs"
import { basename, resolve } from "node:path"
import type { Context } from "../../context.ts"
import { EXIT, NanoguardError } from "../../errors.ts"
import type { Ecosystem } from "../../policy/types.ts"
import { type ImportReport, type ImportSource, importAdvisories } from "./import.ts"
import { importedIndexPath } from "./index.ts"
import { readPath } from "./input/path.ts"
import { readUrl, shownUrl } from "./input/url.ts"
import { ecosystemOf, OSV_ECOSYSTEMS } from "./names.ts"
import { openAdvisories } from "./read.ts"
import type { AdvisoryIndex } from "./types.ts"

/** OSV's public exports, one archive for each ecosystem (osv.dev, "Data dumps"). */
const OSV_EXPORTS = "https://osv-vulnerabilities.storage.googleapis.com/"

export interface UpdateOptions {
  /** Directories, files and URLs; OSV's exports where empty. Relative paths are relative to `ctx.cwd`. */
  from: readonly string[]
  /** OSV names or purl types; all four where empty. What the index holds for the others stays. */
  ecosystems: readonly string[]
  /** The named sources hold everything that is known for their ecosystems, so that a miss means something. */
  complete?: boolean
  onProgress?: (source: string, records: number) => void
}

const PURL_TYPES: ReadonlyMap<string, string> = new Map(OSV_ECOSYSTEMS.map((name) => [ecosystemOf(name)!, name]))

/** Accepts `PyPI`, `pypi`, `cargo`, `crates.io`, whatever the case. */
function osvNameOf(text: string): string {
  const wanted = text.toLowerCase()
  const name = PURL_TYPES.get(wanted) ?? OSV_ECOSYSTEMS.find((osvName) => osvName.toLowerCase() === wanted)
  if (name !== undefined) return name
  throw new NanoguardError(`--ecosystem ${text}: nanoguard has no advisories for it`, {
    exit: EXIT.usage,
    hint: `it takes ${[...PURL_TYPES.keys()].join(", ")}`,
  })
}

function sourceOf(ctx: Context, from: string): ImportSource {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(from)) {
    if (!URL.canParse(from)) throw new NanoguardError("--from is not a valid URL", { exit: EXIT.usage })
    const url = new URL(from)
    return { name: shownUrl(url), read: (directory) => readUrl(ctx, url, directory) }
  }
  const path = resolve(ctx.cwd, from)
  return { name: basename(path), read: () => readPath(path) }
}

function openKept(file: string, wanted: readonly Ecosystem[]): AdvisoryIndex | undefined {
  if (wanted.length === 0 || !existsSync(file)) return undefined
  return openAdvisories(file)
}

function* packagesWithout(index: AdvisoryIndex, replaced: readonly Ecosystem[]) {
  for (const record of index.packages()) if (!replaced.includes(record.ecosystem)) yield record
}

/** Imports the sources and puts the new index in the place of the one in use; the old one stays where anything fails. */
export async function updateAdvisories(ctx: Context, options: UpdateOptions): Promise<ImportReport> {
  const file = importedIndexPath(ctx)
  const names = options.ecosystems.map(osvNameOf)
  const ecosystems = names.map((name) => ecosystemOf(name)!)
  const byDefault = options.from.length === 0
  const exports = (names.length > 0 ? names : OSV_ECOSYSTEMS).map((name) => `${OSV_EXPORTS}${name}/all.zip`)
  const sources = (byDefault ? exports : options.from).map((from) => sourceOf(ctx, from))
  const kept = openKept(file, ecosystems)
  try {
    return await importAdvisories(file, sources, {
      kind: "imported",
      now: ctx.now(),
      completeness: byDefault || options.complete ? "complete" : "partial",
      ...(ecosystems.length > 0 && { ecosystems }),
      ...(kept && { kept: { info: infoWithout(kept, ecosystems), packages: packagesWithout(kept, ecosystems) } }),
      ...(options.onProgress && { onProgress: options.onProgress }),
    })
  } finally {
    kept?.close()
  }
}

/** What the header says of the ecosystems that stay. */
function infoWithout({ info }: AdvisoryIndex, replaced: readonly Ecosystem[]): AdvisoryIndex["info"] {
  const completeness = { ...info.completeness }
  const newest = { ...info.newest }
  for (const ecosystem of replaced) {
    delete completeness[ecosystem]
    delete newest[ecosystem]
  }
  const sources = info.sources.filter((source) => source.ecosystems.some((ecosystem) => !replaced.includes(ecosystem)))
  return { ...info, completeness, newest, sources }
}
