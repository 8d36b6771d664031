// What a verification found, as data: render/audit-verify.ts makes text of it.

/** What can be wrong. `record.*`: the log itself; the others: what is derived from it, published or kept beside it. */
export type ProblemCode =
  | "record.altered"
  | "record.missing"
  | "record.inserted"
  | "record.moved"
  | "record.malformed"
  | "log.cut"
  | "log.rewritten"
  | "tree.damaged"
  | "tree.missing"
  | "key.other"
  | "checkpoint.malformed"
  | "checkpoint.signature"
  | "checkpoint.time"
  | "checkpoint.branch"
  | "checkpoint.missing"
  | "anchor.branch"
  | "anchor.malformed"
  | "index.differs"
  | "person.differs"
  | "person.missing"
  | "archive.differs"
  | "archive.unexplained"

export interface Problem {
  code: ProblemCode
  /** First record that it concerns; absent where it concerns none. */
  seq?: number
  /** Last record that it may concern, where that is more than one. */
  to?: number
  /** One sentence. Holds text from outside: to be cleaned before it is shown. */
  what: string
}

/** Something that could not be checked, and what would make it possible. */
export interface Unchecked {
  code:
    | "anchor.none"
    | "anchor.unreachable"
    | "anchor.behind"
    | "anchor.unchecked"
    | "checkpoint.none"
    | "checkpoint.behind"
    | "key.missing"
    | "key.own"
    | "archive.missing"
    | "index.missing"
    | "index.skipped"
    | "index.behind"
  from?: number
  to?: number
  what: string
}

/** What one outside place holds of this log. */
export interface AnchorReport {
  name: string
  /** Checkpoints there that were compared. */
  checkpoints: number
  /** Records under the newest of them; 0 where there is none. */
  newest: number
  state: "consistent" | "branch" | "empty" | "unreachable" | "unchecked"
}

export interface VerifyReport {
  schema: "nanoguard.audit-verify/1"
  store: { kind: "sqlite" | "postgres"; location: string }
  /** Name of the log; "" where none was found. */
  origin: string
  /** Keys by which checkpoints were checked, as C2SP verifier keys. */
  keys: string[]
  /** Number of the last record. */
  records: number
  /** Records whose bodies were hashed. */
  hashed: number
  /** Records whose bodies lie in an archive. */
  archived: number
  checkpoints: { count: number; verified: number; newest: number }
  anchors: AnchorReport[]
  /** Records whose rows in the index were compared. */
  indexed: number
  /** Personal values whose opening was compared with its commitment. */
  opened: number
  /** Personal values that were erased, as a record says. */
  erased: number
  /** Worst first: what concerns the log by its record, then the rest. At most 20 of a code; `more` counts those left out. */
  problems: Problem[]
  more: number
  unchecked: Unchecked[]
  /** Nothing that was checked is wrong. */
  intact: boolean
  milliseconds: number
}

/** Problems of one code that a report names. */
const MOST = 20

/** Collects problems, a bounded number of each code. */
export interface Problems {
  add(problem: Problem): void
  /** In the order of the report, and how many were left out. */
  list(): { problems: Problem[]; more: number }
}

/** An empty collection. */
export function collectProblems(): Problems {
  const kept = new Map<ProblemCode, Problem[]>()
  let more = 0
  return {
    add: (problem) => {
      const same = kept.get(problem.code) ?? []
      kept.set(problem.code, same)
      if (same.length < MOST) same.push(problem)
      else more++
    },
    list: () => ({ problems: [...kept.values()].flat().sort(compareProblems), more }),
  }
}

/** The log before what hangs on it; earlier records first; of the same record, the narrower statement first. */
function compareProblems(a: Problem, b: Problem): number {
  return (
    Number(rank(a)) - Number(rank(b)) ||
    (a.seq ?? Number.MAX_SAFE_INTEGER) - (b.seq ?? Number.MAX_SAFE_INTEGER) ||
    (a.to ?? a.seq ?? 0) - (b.to ?? b.seq ?? 0)
  )
}

function rank({ code }: Problem): number {
  // Which log it is comes before what is wrong with it.
  if (code === "key.other") return -1
  return code.startsWith("record.") || code.startsWith("log.") ? 0 : code.startsWith("index.") ? 2 : 1
}
