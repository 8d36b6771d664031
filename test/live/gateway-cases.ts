// What real clients are asked to install from public registries, by ecosystem: published versions, which never change, and
// advisories about them, which are in the shipped snapshot. It has none of Cargo and Go: those are stated here, facts alone.
import type { Ecosystem } from "../../src/policy/types.ts"

export interface LiveCase {
  /** Pins without any objection: names with a scope, an underscore, a dot, capitals or a major version in them. */
  approved: Readonly<Record<string, string>>
  /**
   * A requirement whose highest version is refused, and the highest that is not. Lines that are refused whole: within a line that goes on with
   * an approved version a bound before that one is too rare to hide versions for, and is refused like a pin by some (docs/clients.md).
   */
  range: { name: string; requirement: string; ends: string }
  /** A version that is refused, and an advisory that says why. */
  pin: { name: string; version: string; advisory: string }
}

export const CASES: Readonly<Record<Ecosystem, LiveCase>> = {
  npm: {
    approved: { "@babel/code-frame": "7.29.0", "@types/ms": "2.1.0", chalk: "4.1.2", JSONStream: "1.3.5" },
    range: { name: "minimist", requirement: ">=0.2.1 <1.2.0", ends: "0.2.4" },
    pin: { name: "axios", version: "1.6.0", advisory: "GHSA-fvcv-3m26-pcqx" },
  },
  pypi: {
    approved: { "jaraco.functools": "4.0.1", typing_extensions: "4.12.2", MarkupSafe: "3.0.2", six: "1.16.0" },
    range: { name: "urllib3", requirement: ">=1.26.19,<2.0.5", ends: "1.26.20" },
    pin: { name: "requests", version: "2.19.0", advisory: "PYSEC-2018-28" },
  },
  cargo: {
    approved: { lazy_static: "1.5.0", Inflector: "0.11.4", "unicode-ident": "1.0.13" },
    range: { name: "smallvec", requirement: ">=0.6, <1.6", ends: "0.6.14" },
    pin: { name: "smallvec", version: "1.6.0", advisory: "RUSTSEC-2021-0003" },
  },
  golang: {
    approved: {
      "github.com/BurntSushi/toml": "1.4.0",
      "github.com/golang-jwt/jwt/v5": "5.2.2",
      "gopkg.in/yaml.v3": "3.0.1",
    },
    range: { name: "github.com/sirupsen/logrus", requirement: "<v1.9.1", ends: "1.8.3" },
    pin: { name: "github.com/sirupsen/logrus", version: "1.9.0", advisory: "GHSA-4f99-4q7p-p3gh" },
  },
}

const HIGH = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"
const CRITICAL = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"

/** OSV records, one a line, of what the snapshot lacks. */
export const ADVISORIES = [
  osv("RUSTSEC-2021-0003", CRITICAL, "crates.io", "smallvec", [
    ["0.6.3", "0.6.14"],
    ["1.0.0", "1.6.1"],
  ]),
  osv("GHSA-4f99-4q7p-p3gh", HIGH, "Go", "github.com/sirupsen/logrus", [
    ["0", "1.8.3"],
    ["1.9.0", "1.9.1"],
    ["1.9.2", "1.9.3"],
  ]),
].join("")

function osv(id: string, score: string, ecosystem: string, name: string, ranges: readonly [string, string][]): string {
  const events = ranges.flatMap(([introduced, fixed]) => [{ introduced }, { fixed }])
  return `${JSON.stringify({
    ...{ schema_version: "1.7.0", id, modified: "2026-01-01T00:00:00Z", severity: [{ type: "CVSS_V3", score }] },
    affected: [{ package: { ecosystem, name }, ranges: [{ type: "SEMVER", events }] }],
  })}\n`
}
