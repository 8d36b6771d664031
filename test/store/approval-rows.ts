// Rows of approvals, and what their guards refuse and allow on either engine.

const request = (id: string, topic: string) =>
  `insert into approvals values ('${id}', 'sha256:${id}', '${topic}', '{}', 'package', 'a', 's', 1, 9, 'pending', 0, 0)`

export const ROWS: readonly string[] = [
  "insert into approvers values (1, 'add', 'ana', 'ssh-ed25519 x', 1, 'ana', 'ed25519:x')",
  request("ap-1", "t1"),
  request("ap-2", "t2"),
  "insert into decisions values ('ap-1', 'ana', 'approve', '{}', 2, 'ed25519:x')",
  "insert into policies values ('sha256:p', '[]')",
  "insert into adoptions values ('/p', 1, 'sha256:h', 'sha256:p', 'ana', 'ed25519:x')",
]

export const REFUSED: readonly string[] = [
  "update approvers set key = 'y'",
  "delete from approvers",
  "update decisions set answer = 'deny'",
  "delete from decisions",
  "update policies set texts = '[1]'",
  "delete from policies",
  `update adoptions set "by" = 'eve'`,
  "delete from adoptions",
  "delete from approvals",
  "update approvals set binding = '[]' where id = 'ap-1'",
  "update approvals set expires = 99",
  "update approvals set agent = 'b'",
  "update approvals set uses = -1",
]

export const ALLOWED: readonly string[] = [
  "update approvals set state = 'granted', ends = 99 where id = 'ap-1'",
  "update approvals set uses = 2, state = 'consumed' where id = 'ap-1'",
  "update approvals set state = 'expired' where id = 'ap-2'",
]
