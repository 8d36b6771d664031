// What the kernel would do with a filter program: an interpreter of the few instructions of classic BPF that it consists of.

export interface Call {
  arch: number
  number: number
  args: readonly number[]
}

/** The program's answer, as linux/seccomp.h writes it. Throws where the kernel would refuse to load the program. */
export function runFilter(bytes: Uint8Array, { arch, number, args }: Call): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const words = new Map([[0, number], [4, arch], ...args.map((value, index) => [16 + 8 * index, value] as const)])
  let accumulator = 0
  for (let at = 0, steps = 0; steps < 4096; steps++) {
    const [code, ifTrue, ifFalse, value] = [
      view.getUint16(at, true),
      view.getUint8(at + 2),
      view.getUint8(at + 3),
      view.getUint32(at + 4, true),
    ]
    at += 8
    if (code === 0x06) return value
    else if (code === 0x20) accumulator = words.get(value) ?? Number.NaN
    else if (code === 0x54) accumulator = (accumulator & value) >>> 0
    else if (code === 0x05) at += 8 * value
    else if (code === 0x15) at += 8 * (accumulator === value ? ifTrue : ifFalse)
    else if (code === 0x35) at += 8 * (accumulator >= value ? ifTrue : ifFalse)
    else throw new Error(`no such instruction: ${code.toString(16)}`)
  }
  throw new Error("the program does not end")
}
