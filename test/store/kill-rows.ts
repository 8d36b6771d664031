// Rows of kills, and what their guards refuse on either engine.

export const KILL_ROWS: readonly string[] = [
  "insert into kills values (1, 'kill', 'all', 1, 'olga', 'stop', '')",
  "insert into kills values (2, 'resume', 'all', 2, 'ana', 'go on', 'ed25519:x')",
]

export const KILLS_REFUSED: readonly string[] = [
  "update kills set action = 'resume'",
  "update kills set position = 9 where position = 2",
  "delete from kills",
  "delete from kills where position = 2",
  "insert into kills values (2, 'resume', 'all', 2, 'ana', 'go on', 'ed25519:y')",
  "insert into kills values (4, 'kill', 'all', 2, 'ana', 'leaves a gap', '')",
  "insert into kills values (0, 'kill', 'all', 2, 'ana', 'before the first', '')",
]
