// A lockfile that is where nobody looks, or beside another one that is harmless.
import { expect, it } from "vitest"
import { type Attack, lockOf, outcomeOf, vetAttack } from "./support.ts"

const EVIL = lockOf({ "node_modules/evil": { version: "1.0.0" } })
const FINE = lockOf({ "node_modules/fine": { version: "1.0.0" } })
const DENIED = { "evil@1.0.0": "deny package.denied" }
const beside = (files: Record<string, string>, links = {}): Attack => ({
  files: { "package-lock.json": FINE, ...files },
  links,
})

it.each<[string, Attack, unknown]>([
  ["of another manager", beside({ "yarn.lock": '# yarn lockfile v1\n\n\nevil@^1.0.0:\n  version "1.0.0"\n' }), DENIED],
  ["a shrinkwrap", beside({ "npm-shrinkwrap.json": EVIL }), DENIED],
  [
    "beside a directory called npm-shrinkwrap.json",
    beside({ "a/package-lock.json": EVIL, "a/npm-shrinkwrap.json/x": "" }),
    DENIED,
  ],
  ["in capitals", beside({ "a/Package-Lock.JSON": EVIL }), DENIED],
  [
    "in a directory of requirements",
    beside({ "requirements/prod.txt": "evil-lib==1.0\n" }),
    { "evil-lib@1.0": "deny package.denied" },
  ],
  [
    "a link out of the repository",
    beside({}, { "a/package-lock.json": "/etc/hostname" }),
    "refused: the file leads outside the repository",
  ],
  [
    "a linked directory among installed packages",
    beside({ "node_modules/app/package-lock.json": EVIL }, { frontend: "node_modules/app" }),
    DENIED,
  ],
  [
    "a link to a BOM that is a lockfile as well",
    {
      files: { "app.cdx.json": JSON.stringify({ ...JSON.parse(EVIL), bomFormat: "CycloneDX", specVersion: "1.5" }) },
      links: { "package-lock.json": "app.cdx.json" },
    },
    DENIED,
  ],
  [
    "a link to requirements that include what lies beside them",
    {
      files: { "sub/requirements.txt": "-r more.txt\n", "sub/more.txt": "fine==1\n", "more.txt": "evil-lib==1.0\n" },
      links: { "requirements.txt": "sub/requirements.txt" },
    },
    { "evil-lib@1.0": "deny package.denied" },
  ],
  ["a link to nothing", beside({}, { "a/package-lock.json": "nowhere" }), "refused: there is no such file"],
  [
    "a link to a device",
    { files: {}, links: { "package-lock.json": "/dev/zero" } },
    "refused: the file leads outside the repository",
  ],
])("%s is vetted too, or ends the run", async (_, attack, expected) => {
  expect(await outcomeOf(attack)).toEqual(expected)
})

it.each([
  "vendor/package-lock.json",
  "venv/package-lock.json",
  ".tox/a/package-lock.json",
  "app/deep/package-lock.json",
  "target/x/package-lock.json",
])("%s, which looks like somebody else's, is named in the report", async (path) => {
  const marks = { "app/pyvenv.cfg": "", "target/CACHEDIR.TAG": "" }
  const { report } = await vetAttack(beside({ [path]: EVIL, ...marks }))
  expect(report.leftOut).toEqual([path])
})
