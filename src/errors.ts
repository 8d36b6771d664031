// Exit codes and the one error class that carries them. README.md and docs/exit-codes.md repeat this table.

export const EXIT = {
  ok: 0,
  findings: 1,
  usage: 2,
  nothingChecked: 3,
  configuration: 4,
  environment: 5,
  approvalTimeout: 6,
} as const

/** Exit code of `run` and `gateway exec` for a failure of their own, and for a way round the gate that was refused: a command's own codes are below it. */
export const OWN_FAILURE = 125

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** Where in which file an error is: a path as the user would type it, line and column counted from 1. */
export interface Where {
  file: string
  line?: number
  column?: number
}

interface Details {
  exit: ExitCode
  /** The next step, as a sentence or a command. */
  hint?: string
  where?: Where
  cause?: unknown
}

/**
 * An error that the user can act on. It is printed without a stack: `file:line:column`, what is wrong, what to do.
 * Anything else that reaches `main` is a bug in nanoguard and is printed with its stack.
 */
export class NanoguardError extends Error {
  readonly exit: ExitCode
  readonly hint: string | undefined
  readonly where: Where | undefined

  constructor(message: string, details: Details) {
    super(message, { cause: details.cause })
    this.name = "NanoguardError"
    this.exit = details.exit
    this.hint = details.hint
    this.where = details.where
  }
}
