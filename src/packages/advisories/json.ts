// Shapes of parsed JSON that somebody else wrote.

export type Json = Record<string, unknown>

/** An object that is no list. */
export const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** The list, or an empty one where there is none. */
export const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])
