// What of a person's environment a box is told without being asked: what their terminal can do, their language and their time zone.

/** Nothing of it is secret, and each is of its usual form or left out: these words end in commands of the box, and in paths below its terminfo and its zones. */
const TERMINAL: Readonly<Record<string, RegExp>> = {
  TERM: /^[A-Za-z0-9][A-Za-z0-9+._-]{0,63}$/,
  COLORTERM: /^[a-z0-9]{1,16}$/,
  LANG: /^[A-Za-z0-9._@-]{1,32}$/,
  TZ: /^[A-Za-z0-9_+/-]{1,64}$/,
  NO_COLOR: /^[A-Za-z0-9]{1,8}$/,
}

/**
 * Variables of a box for the person's terminal, from `env`, the person's environment. `LANG` is always there, C.UTF-8 where theirs has another
 * form, and with `tty` so is `TERM`, of xterm; a variable whose value has not its usual form is left out.
 */
export function terminalEnv({
  env,
  tty,
}: {
  env: Readonly<Record<string, string | undefined>>
  /** Whether the box's standard streams are a terminal. */
  tty: boolean
}): Record<string, string> {
  const known = Object.entries(TERMINAL).flatMap(([name, form]) => {
    const value = env[name]
    return value !== undefined && form.test(value) ? [[name, value] as const] : []
  })
  return { LANG: "C.UTF-8", ...(tty && { TERM: "xterm-256color" }), ...Object.fromEntries(known) }
}
