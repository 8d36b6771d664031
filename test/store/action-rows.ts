// Rows of credentials, held bodies and usage, and what their guards refuse and allow on either engine.

const bytes = (dialect: "sqlite" | "postgres", hex: string) => (dialect === "sqlite" ? `x'${hex}'` : `'\\x${hex}'`)

export const actionRows = (dialect: "sqlite" | "postgres"): readonly string[] => [
  "insert into credentials values (1, 'github', 'set', '{}', 'c2VhbGVk', 1, 'ana', 'ed25519:x')",
  `insert into held values ('ap-1', 'gw-1', 1, ${bytes(dialect, "00ff")})`,
  "insert into usage values ('r1/requests', 0, 2), ('r1/requests', 60000, 3.5)",
  `insert into usage values ('r1/requests', ${Date.now()}, 1)`,
]

export const actionsRefused = (dialect: "sqlite" | "postgres"): readonly string[] => [
  "update credentials set name = 'gitlab'",
  "update credentials set sealed = ''",
  "delete from credentials",
  `update held set sealed = ${bytes(dialect, "00")}`,
  "update held set approval = 'ap-2'",
  "update usage set used = used - 1",
  `update usage set "window" = 7 where "window" = 60000`,
  "update usage set counter = 'r2/requests'",
  `delete from usage where "window" = 0`,
  `delete from usage where "window" > 60000`,
  "update usage set used = 1e300",
  "insert into usage values ('r2/requests', 60000, -1)",
]

export const ACTIONS_ALLOWED: readonly string[] = [
  "update held set gateway = 'gw-2', time = 2",
  `insert into usage values ('r1/requests', 60000, 1.5) on conflict (counter, "window") do update set used = usage.used + excluded.used`,
  `insert into usage values ('r3/bytes', 120000, 1) on conflict (counter, "window") do update set used = usage.used + excluded.used`,
  `delete from usage where "window" = 60000`,
  "delete from held where approval = 'ap-1'",
]
