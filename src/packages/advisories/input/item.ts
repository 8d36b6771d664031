// What every input reader yields, and the bounds that they share.

/** The text of one record, or why there is none. `where` is made of names in the input: clean it before showing. */
export type InputItem =
  | { where: string; text: string; problem?: undefined }
  | { where: string; text?: undefined; problem: string }

/** A single record; the largest real ones are below 1 MiB. */
export const MAX_RECORD_BYTES = 16 << 20
/** A file that holds one JSON value, perhaps a list of records. */
export const MAX_JSON_BYTES = 64 << 20
/** Everything one import unpacks: an end for archives that are made to have none. */
export const MAX_TOTAL_BYTES = 8 * 2 ** 30
/** Records, files or archive members of one import. */
export const MAX_ITEMS = 5_000_000
