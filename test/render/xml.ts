// An XML parser that is not ours: Python's expat, which refuses whatever is not well-formed XML 1.0.
import { spawnSync } from "node:child_process"

export interface Element {
  tag: string
  attributes: Record<string, string>
  text: string
  children: Element[]
}

const SCRIPT = `
import json, sys, xml.etree.ElementTree as tree
def out(e): return {"tag": e.tag, "attributes": e.attrib, "text": (e.text or "").strip(), "children": [out(c) for c in e]}
json.dump(out(tree.fromstring(sys.stdin.buffer.read())), sys.stdout)
`

/** Whether Python is here to parse with. */
export function hasXmlParser(): boolean {
  return spawnSync("python3", ["-c", "import xml.etree.ElementTree"]).status === 0
}

/** Parses a document; throws with the parser's message where it is not well-formed. */
export function parseXml(text: string): Element {
  const { status, stdout, stderr } = spawnSync("python3", ["-c", SCRIPT], {
    input: text,
    encoding: "utf8",
    maxBuffer: 1 << 28,
  })
  if (status !== 0) throw new Error(stderr)
  return JSON.parse(stdout)
}
