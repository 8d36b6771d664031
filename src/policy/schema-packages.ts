// The `packages` section of a policy.
import * as z from "zod/mini"
import { EXCEPTABLE } from "./codes.ts"
import { FACT_NAMES, MISSING_REASONS } from "./evidence-names.ts"
import {
  described,
  duration,
  effect,
  effects,
  httpUrl,
  optional,
  prose,
  rule,
  severity,
  text,
  texts,
  yes,
} from "./schema-parts.ts"

/** The conditions under `deny` and `ask`. */
export const conditionsSchema = () =>
  z.strictObject({
    malware: optional(yes(), "Versions reported as malware. Also a floor: they are denied whatever the policy says."),
    severity: optional(severity(), "A known vulnerability at least this severe applies."),
    cvss: optional(
      z.number().check(z.minimum(0), z.maximum(10)),
      "A known vulnerability with at least this CVSS base score applies.",
    ),
    age: optional(duration(), "Published less than this ago."),
    unmaintained: optional(duration(), "No release of the package for longer than this."),
    deprecated: optional(yes(), "Marked as deprecated by its publisher."),
    yanked: optional(yes(), "Withdrawn by its publisher."),
    licenses: optional(
      texts(120),
      "SPDX ids; `unknown` stands for no readable licence. Matches where no choice of the licence expression avoids all of them.",
    ),
    "licenses-except": optional(
      texts(120),
      "SPDX ids. Matches where no choice of the licence expression stays within them.",
    ),
    "install-scripts": optional(yes(), "An install would run scripts of the package."),
    sources: optional(
      z.array(z.enum(["git", "url", "file", "other-registry"])).check(z.minLength(1)),
      "Where packages may not come from; `other-registry` is one that is neither the default nor listed under `registries`.",
    ),
    integrity: optional(z.literal("missing"), "The lockfile holds no hash."),
    provenance: optional(
      z.enum(["required", "no-downgrade"]),
      "`required`: no build attestation. `no-downgrade`: weaker provenance than an earlier version.",
    ),
    "publisher-changed": optional(yes(), "Nobody who published an earlier version published this one."),
    lookalikes: optional(yes(), "The name may be mistaken for a well-known one."),
    nonexistent: optional(yes(), "The registry has no such name or version."),
    score: optional(z.number().check(z.minimum(0), z.maximum(100)), "Trust score below this."),
  })

const versions = () => optional(text(200), "Version range: semver's syntax, PEP 440 for pkg:pypi.")

/** A rule on packages by name. */
export const packageRule = () => rule("a purl without version, * at its end for any ending", { versions: versions() })

const exception = () =>
  z.strictObject({
    allow: described(text(512), "purl without version, * at its end for any ending."),
    versions: versions(),
    of: described(z.enum(EXCEPTABLE as [string, ...string[]]), "The one code that it lifts."),
    advisories: optional(
      z.array(z.string().check(z.regex(/^[A-Za-z0-9._:-]{1,80}$/, "wants advisory ids"))).check(z.minLength(1)),
      "Lift only these advisories, by id or alias.",
    ),
    owner: described(
      z.string().check(z.regex(/^[A-Za-z0-9][A-Za-z0-9._@+ -]{0,99}$/, "wants a name or an address")),
      "Who answers for it.",
    ),
    reason: described(prose(), "Why it is acceptable."),
    expires: described(
      z.string().check(z.regex(/^\d{4}-\d{2}-\d{2}$/, "wants a date such as 2027-01-31")),
      "Last day on which it holds (UTC).",
    ),
  })

/** The whole section. */
export const packagesSchema = () =>
  z.strictObject({
    deny: optional(conditionsSchema(), "Each key is one rule that denies."),
    ask: optional(conditionsSchema(), "Each key is one rule that wants a person."),
    unknown: optional(
      z.union([effect(), effects(["default", ...MISSING_REASONS, ...FACT_NAMES])]),
      "Effect of evidence that a rule needs and that is missing.",
    ),
    "unknown-severity": optional(severity(), "What an advisory without a severity counts as; high where absent."),
    registries: optional(
      z.array(
        z.strictObject({
          scope: optional(
            text(256),
            'Packages of this scope come from `upstream` or not at all: "@acme/*" or a purl ending in *.',
          ),
          upstream: described(httpUrl(), "Base address of the registry."),
        }),
      ),
      "Registries besides each ecosystem's default.",
    ),
    rules: optional(z.array(packageRule()), "Rules on packages by name and version."),
    exceptions: optional(z.array(exception()), "What is let through although a rule matches, until a day."),
  })
