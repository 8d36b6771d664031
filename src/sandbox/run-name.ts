// What a run is called.

/** The form of a run's name, to be put into a longer expression. */
export const RUN_PATTERN = "run-[0-9a-f]{12}"

/** A run's name, which is its box's too: what becomes part of names and paths has this form and no other. */
export const RUN_NAME = new RegExp(`^${RUN_PATTERN}$`)
