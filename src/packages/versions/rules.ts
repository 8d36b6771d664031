// What each ecosystem's module offers to ../versions.ts. Versions are valid before they get here, except in `valid`.

export interface RangeOptions {
  /** Pre-releases are in the range wherever the order puts them. */
  prereleases?: boolean
}

export interface Rules {
  valid: (version: string) => boolean
  compare: (a: string, b: string) => number
  satisfies: (version: string, range: string, options: RangeOptions) => boolean
  prerelease: (version: string) => boolean
}
