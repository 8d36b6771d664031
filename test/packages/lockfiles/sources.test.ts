import { PackageURL, UrlConverter } from "@socketregistry/packageurl-js"
import { expect, it } from "vitest"
import { normaliseOrigin, sourceOfUrl } from "../../../src/packages/lockfiles/sources.ts"

const download = UrlConverter.toDownloadUrl(new PackageURL("npm", "@s", "a", "1.0.0", undefined, undefined))!.url

it("takes the public registry's own download address for the default registry", async () => {
  const source = sourceOfUrl(download, "@s/a", "1.0.0")
  expect(source.kind).toBe("registry")
  expect(source.kind === "registry" && (await normaliseOrigin(source.origin))).toBe("default")
})

it("takes the user's own registries for the default, however they are written", async () => {
  const defaults = ["https://registry.example/npm"]
  expect(await normaliseOrigin("https://registry.example/npm/", defaults)).toBe("default")
  expect(await normaliseOrigin("https://REGISTRY.example:443/npm", defaults)).toBe("default")
  expect(await normaliseOrigin("https://registry.example/npm/", [])).toBe("https://registry.example/npm/")
  expect(await normaliseOrigin("default")).toBe("default")
})

it("does not take anything like it for the default registry", async () => {
  const { host } = new URL(download)
  for (const origin of [
    `http://${host}/`,
    `https://${host}/other/`,
    `https://${host}.evil.example/`,
    `https://${host}:8443/`,
    `https://x${host}/`,
    "not a url",
  ]) {
    expect(await normaliseOrigin(origin)).toBe(origin)
  }
})
