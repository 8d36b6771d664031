// The policy of the story: what `init` wrote, and what the person adds.

export interface Box {
  engine: string
  /** Of an engine that makes a box of one. */
  image?: string
}

/** `written` with the person's own rules, and the box that they want; `tools` is mounted at `/opt/tools`. */
export function editPolicy(written: string, tools: string, { engine, image }: Box): string {
  const [start] = written.split(/^network:\n/m)
  return `${start!.replace("packages:\n", `${PACKAGES}`)}${NETWORK}
mounts:
  - { id: tools, allow: ${tools} }
sandbox:
  engine: ${engine}${image === undefined ? "" : `\n  image: ${image}`}
  mounts: [{ path: ${tools}, target: /opt/tools }]
`
}

const PACKAGES = `packages:
  exceptions:
    - allow: pkg:npm/pretty-receipts
      of: script.unapproved
      owner: ana@acme.example
      reason: it builds its fonts while it is installed
      expires: 2027-06-30
`

const NETWORK = `network:
  - { id: model, allow: api.anthropic.com, methods: [GET, HEAD, POST], credential: anthropic }
  - { id: github-read, allow: api.github.com, access: read, credential: github }
  - { id: github-write, ask: api.github.com, access: write, credential: github, reason: others see it }
  - { id: crash-reports, allow: errors.example, methods: [POST] }

approvers:
  default: { people: [ana], expire: 15m }
`
