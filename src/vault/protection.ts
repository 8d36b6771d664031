// The ways to protect a vault's key, and what each of them is good against. docs/vault.md has the same table.

/** Where the key that opens the vault's key comes from. */
export const KINDS = ["keychain", "file", "passphrase", "systemd-creds"] as const

export type ProtectionKind = (typeof KINDS)[number]

/** What an attacker has: which of them a protection stops. */
export interface Protection {
  kind: ProtectionKind
  /** In one line. */
  title: string
  stops: readonly string[]
  /** What it does not stop. */
  not: readonly string[]
  /** Whether the gate needs a person after a restart. */
  person: boolean
}

const COPY = "a copy of the state directory or of the database (backup, support archive, stolen replica)"
const USERS = "other users of this machine"
const DISK = "a stolen disk that is not encrypted"
const ROOT = "root on this machine while the gate runs"
const SELF = "a process of your own user outside of a box, which may ask for the key as nanoguard does"

const PROTECTIONS: Readonly<Record<ProtectionKind, Omit<Protection, "kind">>> = {
  file: {
    title: "a key file outside of the state directory, for your user alone",
    stops: [COPY, USERS],
    not: ["a copy of your whole home directory", DISK, SELF, ROOT],
    person: false,
  },
  passphrase: {
    title: "a passphrase (scrypt, 128 MiB a guess) that is written nowhere",
    stops: [COPY, USERS, "a copy of your whole home directory", DISK, "a process of your own user while it is locked"],
    not: ["a weak passphrase", ROOT, "whoever may read this process's memory once it is unlocked"],
    person: true,
  },
  "systemd-creds": {
    title: "systemd's credentials: this machine's own key, and its TPM where there is one",
    stops: [COPY, USERS, "a copy of your whole home directory", `${DISK}, where there is a TPM`],
    not: [SELF, ROOT, `${DISK}, without a TPM`],
    person: false,
  },
  keychain: {
    title: "the keychain of your desktop session",
    stops: [COPY, USERS, "a copy of your whole home directory", DISK],
    not: [SELF, ROOT, "anything while your session is open, where no prompt is set up"],
    person: false,
  },
}

/** Which attackers a choice stops, and which it does not, for `doctor` and `secret init`. */
export function describeProtection(kind: ProtectionKind): Protection {
  return { kind, ...PROTECTIONS[kind] }
}
