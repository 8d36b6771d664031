// The vault as the gate has it: what is in force by the store's signatures, what is behind it by the vault's key.
import { sql } from "kysely"
import type { Context } from "../context.ts"
import { EXIT, NanoguardError } from "../errors.ts"
import type { Store } from "../store/types.ts"
import { type Chain, readChain, requireStanding } from "./chain.ts"
import { lockedError, vaultError } from "./errors.ts"
import { type InForce, judgeChain, openValue, withoutReturn } from "./in-force.ts"
import { deriveKeys, forgetKeys, type VaultKeys } from "./keys.ts"
import { lastLogged } from "./logged.ts"
import { createLogins } from "./logins/renew.ts"
import { makePlaceholder, readPlaceholder } from "./placeholder.ts"
import type { ProtectionKind } from "./protection.ts"
import { forgetTables } from "./scrub.ts"
import { openBytes, sealBytes } from "./sealing.ts"
import { createSources } from "./sources.ts"
import type { Vault } from "./types.ts"
import { unlockVaultKey } from "./unlock.ts"
import { requireValue } from "./value.ts"
import { readVaultFile } from "./vault-file.ts"

/** Milliseconds between two tries to get a key that is not there. */
const AGAIN = 5000

/** How a vault stands, for `gateway status` and `doctor`. */
export interface VaultStatus {
  /** `absent`: nobody made one yet. */
  state: "open" | "locked" | "absent"
  kind?: ProtectionKind
  /** Why it is locked, where no passphrase is missing. */
  trouble?: string
  credentials: number
  /** Credentials that are not in force though nobody removed them, with the reason. */
  refused: readonly { name: string; why: string }[]
}

/** The vault of a running gate. */
export interface OpenVault extends Vault {
  /** Opens it: with the passphrase where that protects it. Errors: findings (wrong), environment. */
  unlock: (passphrase?: string) => Promise<void>
  /** Forgets the keys, until `unlock`. */
  lock: () => void
  status: () => VaultStatus
}

/**
 * Opens the vault of this store. One that cannot be unlocked without a person, or whose key is not there, is locked; one that
 * nobody made yet is, too, until somebody does. Errors: environment (store).
 */
export async function openVault(
  ctx: Pick<Context, "env" | "exec" | "now" | "fetch">,
  store: Store,
): Promise<OpenVault> {
  let keys: VaultKeys | undefined
  let kind: ProtectionKind | undefined
  let trouble: NanoguardError | undefined
  let chain: Chain = { byName: new Map(), links: new Set(), position: 0 }
  let marks = ""
  let now: InForce = { credentials: [], refused: [] }
  let loading: Promise<void> | undefined
  // Locked by a person: a commit of somebody must not open it again.
  let held = false
  /** How often that was done: whoever was about to open it before stops there. */
  let locks = 0
  let again = 0
  const logins = createLogins(ctx)
  const sources = createSources(ctx)

  const forget = () => {
    if (keys) forgetKeys(keys)
    keys = undefined
    logins.forget()
    sources.forget()
    forgetTables()
  }
  const requireKeys = (): VaultKeys => {
    if (keys) return keys
    throw kind === undefined ? lockedError("make a vault: nanoguard secret init") : lockedError(trouble?.hint)
  }

  const unlock = async (passphrase?: string) => {
    const file = readVaultFile(ctx)
    if (!file) throw vaultError("there is no vault yet", "nanoguard secret init", EXIT.environment)
    kind = file.protection.kind
    const before = locks
    const vaultKey = await unlockVaultKey(ctx, file, passphrase)
    const derived = deriveKeys(vaultKey)
    vaultKey.fill(0)
    if (locks !== before) {
      forgetKeys(derived)
      throw lockedError()
    }
    if (keys) forgetKeys(keys)
    keys = derived
    ;[held, trouble] = [false, undefined]
    judge()
  }

  /** Tries without a person: not with every commit, for it may start a program. */
  const tryUnlock = async () => {
    again = performance.now() + AGAIN
    try {
      const file = readVaultFile(ctx)
      kind = file?.protection.kind
      if (file && kind !== "passphrase") await unlock()
    } catch (error) {
      trouble = error instanceof NanoguardError ? error : vaultError("the vault cannot be opened", "", EXIT.environment)
    }
  }

  const judge = () => {
    now = judgeChain(chain, keys)
  }

  const load = async () => {
    const { rows } = await sql<{ marks: string }>`select
      (select cast(coalesce(max(position), 0) as text) from credentials) || '/' ||
      (select cast(count(*) as text) from approvers) as marks`.execute(store.db)
    const found = rows[0]?.marks ?? ""
    if (found !== marks) {
      // The record first: what is changed meanwhile is in the chain, and no less.
      const before = marks === "" ? await lastLogged(store.db) : chain.byName
      chain = withoutReturn(before, await readChain(store.db))
      sources.forget()
      marks = found
      judge()
    }
    // Somebody may have made the vault meanwhile, or brought back its key.
    if (!keys && !held && kind !== "passphrase" && (kind === undefined || performance.now() > again)) await tryUnlock()
  }
  const reload = async () => {
    await loading?.catch(() => undefined)
    loading ??= load().finally(() => {
      loading = undefined
    })
    return loading
  }

  await load()
  const unsubscribe = store.subscribe(() => void reload().catch(() => undefined))
  const standingOf = (name: string) => {
    const standing = requireStanding(chain, name)
    const why = now.refused.find((one) => one.name === name)?.why
    if (why === undefined) return standing
    throw vaultError(
      `the credential ${name} is not in force: ${why}`,
      "set it again: nanoguard secret set",
      EXIT.environment,
    )
  }

  return {
    get locked() {
      return keys === undefined
    },
    list: () => now.credentials,
    async reveal(name) {
      const standing = standingOf(name)
      const { source, slot, canary } = standing.credential
      if (canary) throw vaultError(`${name} is a canary: it has no value`, "use another credential", EXIT.environment)
      const own = requireKeys()
      const value =
        source.from === "value"
          ? openValue(own, standing)
          : source.from === "login"
            ? await logins.accessToken(own, standing, openValue(own, standing))
            : await sources.read(name, source)
      return requireValue(name, value, slot, EXIT.environment)
    },
    placeholder(name, run) {
      const { placeholders } = requireKeys()
      return makePlaceholder(placeholders, name, run, standingOf(name).credential.shape)
    },
    identify: (text) => readPlaceholder(requireKeys().placeholders, text, now.credentials),
    seal: (bytes, context) => sealBytes(keyOf(requireKeys(), context), bytes, context),
    open(sealed, context) {
      const bytes = openBytes(keyOf(requireKeys(), context), sealed, context)
      if (bytes) return bytes
      throw vaultError("what was sealed does not open", "it was changed, or belongs to another vault", EXIT.environment)
    },
    reload,
    unlock,
    lock() {
      held = true
      locks++
      forget()
    },
    status: () => ({
      state: keys ? "open" : kind === undefined && trouble === undefined ? "absent" : "locked",
      ...(kind !== undefined && { kind }),
      ...(trouble && !keys && { trouble: trouble.message }),
      ...{ credentials: now.credentials.length, refused: now.refused },
    }),
    close() {
      unsubscribe()
      forget()
    },
  }
}

/** Authorities' keys have a key of their own: contexts that begin with `ca/`. */
const keyOf = (keys: VaultKeys, context: string) => (context.startsWith("ca/") ? keys.authorities : keys.bodies)
