// What a process may have of memory where no control group limits the box as a whole.

/** Bytes that V8 reserves in every process without using them; RLIMIT_DATA counts them (512 MiB of code, measured with Node.js 24). */
const RESERVED_BYTES = 2 ** 30

/** Bytes for RLIMIT_DATA (getrlimit(2)) of each process of a box that may use `memory` bytes: a limit of each, not of all together. */
export const dataLimit = (memory: number) => memory + RESERVED_BYTES
