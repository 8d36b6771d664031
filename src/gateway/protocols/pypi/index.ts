// PyPI's simple repository API (PEP 503, 592, 658, 691, 700, 714) for the gate.
import { indexOf, SIMPLE_ACCEPT } from "../../../packages/registries/pypi.ts"
import { sriOfHex } from "../../../packages/registries/values.ts"
import type { Protocol, UpstreamFile } from "../../types.ts"
import { projectFacts } from "./facts.ts"
import { parseProject } from "./parse.ts"
import { METADATA, readRequest } from "./read.ts"
import { renderProject } from "./render.ts"
import type { Hash, Project, ProjectFile } from "./types.ts"

/** Nothing that a browser would run, whatever the bytes are. */
const BYTES = "application/octet-stream"

/** The protocol of Python indexes. */
export const pypiProtocol: Protocol<Project> = {
  ecosystem: "pypi",
  read: readRequest,
  source: (name: string, base: string, own?: string) => ({
    url: `${indexOf(base, own)}/${name}/`,
    accept: SIMPLE_ACCEPT,
  }),
  parse: parseProject,
  facts: projectFacts,
  versions: ({ byVersion }) => [...byVersion.keys()],
  // An index has no tags: the newest version that fits is what installers take.
  tags: () => ({}),
  files: ({ byVersion }, version) => (byVersion.get(version) ?? []).flatMap(upstreamFiles),
  render: renderProject,
  // Installers show nothing of a refused page, and of an empty one say that there is no version.
  refusesListing: false,
}

/** The file, and the metadata beside it (PEP 658). */
function upstreamFiles({ filename, url, hashes, size, metadata }: ProjectFile): UpstreamFile[] {
  const file = {
    file: filename,
    url,
    integrity: hashes.map(sriOf),
    contentType: BYTES,
    ...(size !== undefined && { size }),
  }
  if (metadata === undefined) return [file]
  const integrity = metadata === true ? [] : [sriOf(metadata)]
  return [file, { file: filename + METADATA, url: url + METADATA, integrity, contentType: BYTES }]
}

function sriOf({ algorithm, hex }: Hash): string {
  return sriOfHex(algorithm, hex)!
}
