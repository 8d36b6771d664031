// What of a bundle is read together with one of its files.

/** A file of a bundle, with those that it imports at once. */
export interface Chunk {
  fileName: string
  imports: readonly string[]
}

/** Names of the files that are read wherever `first` is: what it imports, and what those import in turn. */
export function readWith(first: Chunk, chunks: readonly Chunk[]): ReadonlySet<string> {
  const read = new Set(first.imports)
  for (const name of read)
    for (const one of chunks.find(({ fileName }) => fileName === name)?.imports ?? []) read.add(one)
  return read
}
