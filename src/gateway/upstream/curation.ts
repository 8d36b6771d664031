// What JFrog Curation says when it blocks a package, read back into data.

export interface CurationPolicy {
  policy: string
  condition: string
  explanation?: string
  recommendation?: string
}

/** Texts are the server's, bounded: escape them wherever they are shown. */
export interface CurationBlock {
  name?: string
  version?: string
  policies: CurationPolicy[]
  /** CVE ids in any text, in order. */
  cves?: string[]
  /** Versions that a recommendation names. */
  upgrades?: string[]
  /** Not decided yet: it is being scanned. */
  pending?: boolean
  /** A waiver may be asked for. */
  waiver?: boolean
}

/** What a 403 says, where it is Curation's. */
export function readCuration(_answer: {
  body: string
  notice: string | string[] | undefined
}): CurationBlock | undefined {
  return undefined
}
