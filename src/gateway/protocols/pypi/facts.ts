// What decisions need of a project's page: the registry's own reading, of exactly the files that a listing shows.
import { documentOfFiles } from "../../../packages/registries/pypi-releases.ts"
import { timeOf } from "../../../packages/registries/values.ts"
import type { PackageDocument } from "../../../packages/types.ts"
import type { Project, ProjectFile } from "./types.ts"

/** The document of a project for facts. `now` in milliseconds since the epoch. */
export function projectFacts({ name, files, outOfUse }: Project, now: number): PackageDocument {
  return documentOfFiles(name, files.map(indexFileOf), outOfUse, now)
}

function indexFileOf(file: ProjectFile) {
  const { filename, version, url, yanked, provenance, requiresPython } = file
  const sha256 = file.hashes.find(({ algorithm }) => algorithm === "sha256")?.hex
  const uploaded = timeOf(file.uploaded)
  return {
    ...{ filename, version, url, yanked },
    ...(sha256 !== undefined && { sha256 }),
    ...(uploaded !== undefined && { uploaded }),
    ...(provenance !== undefined && { provenance }),
    ...(requiresPython !== undefined && { requiresPython }),
  }
}
