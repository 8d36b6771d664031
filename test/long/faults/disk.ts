// The history of a directory on a disk: which bytes and names were written when, and when each was promised to stay.
import { basename, dirname } from "node:path"
import type { Call } from "./strace.ts"

interface When {
  start: number
  end: number
}
export type FileStep = When &
  ({ kind: "write"; offset: number; data: Buffer } | { kind: "truncate"; size: number } | { kind: "sync" })
/** Names change at once or not at all; a rename is one step. `file` undefined takes the name away. */
export type NameStep = When & ({ kind: "names"; set: [name: string, file: Node | undefined][] } | { kind: "sync" })
export interface FileNode {
  steps: FileStep[]
}
export interface DirectoryNode {
  names: NameStep[]
  /** As the running system sees it. */
  now: Map<string, Node>
}
export type Node = FileNode | DirectoryNode

export interface Disk {
  root: DirectoryNode
  /** What was written to standard output, and when. */
  output: { start: number; text: string }[]
  /** Places in the order at which something changed. */
  moments: number[]
}

const directory = (): DirectoryNode => ({ names: [], now: new Map() })

/** Follows the calls of one process below `root`, an empty directory that is on the disk already. */
export function followCalls(calls: readonly Call[], root: string): Disk {
  const disk: Disk = { root: directory(), output: [], moments: [] }
  const open = new Map<number, { node: Node; position: number }>()

  const find = (path: string): Node | undefined => {
    if (path === root) return disk.root
    if (!path.startsWith(`${root}/`)) return undefined
    const parent = find(dirname(path))
    return parent && "now" in parent ? parent.now.get(basename(path)) : undefined
  }
  const parentOf = (path: string) => find(dirname(path)) as DirectoryNode | undefined
  const name = (path: string, node: Node | undefined, { start, end }: When) => {
    const parent = parentOf(path)
    if (!parent) return
    if (node) parent.now.set(basename(path), node)
    else parent.now.delete(basename(path))
    parent.names.push({ kind: "names", set: [[basename(path), node]], start, end })
    disk.moments.push(start)
  }
  const touch = (fd: number, step: FileStep) => {
    const node = open.get(fd)?.node
    if (!node) return
    if ("steps" in node) node.steps.push(step)
    else if (step.kind === "sync") node.names.push(step)
    disk.moments.push(step.start)
  }
  const openFile = (call: Call, path: string, flags: string) => {
    if (!path.startsWith(`${root}/`) && path !== root) return void open.delete(call.result)
    const known = find(path)
    const node = known ?? { steps: [] }
    if (!known) name(path, node, call)
    open.set(call.result, { node, position: 0 })
    if (flags.includes("O_TRUNC")) touch(call.result, { kind: "truncate", size: 0, ...when(call) })
  }
  const write = (call: Call, fd: number, data: Buffer, offset: number) =>
    touch(fd, { kind: "write", offset, data: data.subarray(0, call.result), ...when(call) })

  for (const call of calls) {
    const [a, b, c, d] = call.args
    const fd = Number(a)
    switch (call.name) {
      case "open":
        openFile(call, String(a), String(b))
        break
      case "openat":
        openFile(call, String(b), String(c))
        break
      case "close":
        open.delete(fd)
        break
      case "write": {
        if (fd === 1) disk.output.push({ start: call.start, text: String(b) })
        const file = open.get(fd)
        if (!file) break
        write(call, fd, b as Buffer, file.position)
        file.position += call.result
        break
      }
      case "pwrite64":
        write(call, fd, b as Buffer, Number(d))
        break
      case "ftruncate":
        touch(fd, { kind: "truncate", size: Number(b), ...when(call) })
        break
      case "fsync":
      case "fdatasync":
        touch(fd, { kind: "sync", ...when(call) })
        break
      case "mkdir":
        if (parentOf(String(a))) name(String(a), directory(), call)
        break
      case "link":
        name(String(b), find(String(a)), call)
        break
      case "unlink":
        name(String(a), undefined, call)
        break
      case "rename": {
        const parent = parentOf(String(a))
        const node = find(String(a))
        if (!parent || !node) break
        if (parent !== parentOf(String(b))) throw new Error(`a file moves to another directory: ${a} -> ${b}`)
        const [from, to] = [basename(String(a)), basename(String(b))]
        parent.now.delete(from)
        parent.now.set(to, node)
        parent.names.push({
          kind: "names",
          set: [
            [from, undefined],
            [to, node],
          ],
          ...when(call),
        })
        disk.moments.push(call.start)
        break
      }
      default: {
        const touched = call.args.some((arg) => String(arg).startsWith(root)) || open.has(fd)
        if (touched) throw new Error(`this model of a disk does not know ${call.name}`)
      }
    }
  }
  return disk
}

function when({ start, end }: When): When {
  return { start, end }
}
