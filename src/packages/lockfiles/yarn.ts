// yarn.lock: two formats under one name, told apart by how they begin.
import type { LockfileParser } from "../types.ts"
import { lockfileError } from "./failure.ts"

/** Reads a yarn.lock of yarn 1 ("classic") or of yarn 2 and later ("berry"). */
export const parseYarnLock: LockfileParser = async (text, path, readSibling) => {
  if (/^__metadata:/m.test(text)) return (await import("./yarnBerry.ts")).parseBerryLock(text, path, readSibling)
  const version = /^# yarn lockfile v(\d{1,9})\s*$/m.exec(text)?.[1]
  if (version === "1") return (await import("./yarnClassic.ts")).parseClassicLock(text, path, readSibling)
  const message =
    version === undefined ? "neither yarn 1 nor a later yarn wrote this file" : `yarn lockfile v${version} is not known`
  throw lockfileError(
    message,
    { file: path, line: 1 },
    "let yarn write it again: `yarn install --mode=update-lockfile`",
  )
}
