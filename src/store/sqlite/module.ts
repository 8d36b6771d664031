// node:sqlite, loaded without the warning that Node 22 prints for it: nanoguard tests the versions that it supports, and a
// line on stderr in every command would teach people to overlook the others.
type SqliteModule = typeof import("node:sqlite")

let loaded: SqliteModule | undefined

/** Node's own SQLite. Every use goes through here: a plain import would print an ExperimentalWarning on Node 22. */
export function loadSqlite(): SqliteModule {
  loaded ??= loadQuietly()
  return loaded
}

/** Node warns once, while the module loads and through the public function; every other warning is passed on. */
function loadQuietly(): SqliteModule {
  const emit = process.emitWarning
  process.emitWarning = (...args: unknown[]) => {
    if (args[1] === "ExperimentalWarning" && String(args[0]).startsWith("SQLite ")) return
    Reflect.apply(emit, process, args)
  }
  try {
    return process.getBuiltinModule("node:sqlite")
  } finally {
    process.emitWarning = emit
  }
}
