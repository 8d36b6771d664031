// The clock: times in the record, ends of grants and ages of packages rest on it.
import { formatDuration } from "../../policy/duration.ts"
import type { Check, Finding, Tools } from "../types.ts"

/** Milliseconds by which the last record may be ahead: clocks of two gateways differ. */
const SLACK = 60_000

/** Whether the clock ran back behind the record, and whether somebody sets it. */
export const clockCheck: Check = {
  id: "clock",
  title: "Clock",
  run: async ({ ctx, reader }) => {
    const last = await readLastTime(await reader())
    const synchronised = await askTimeDaemon(ctx)
    const facts = {
      now: new Date(ctx.now()).toISOString(),
      ...(last !== undefined && { lastRecord: new Date(last).toISOString() }),
      ...(synchronised !== undefined && { synchronised }),
    }
    if (last !== undefined && last - ctx.now() > SLACK)
      return {
        ...{ state: "fail", facts, fix: "timedatectl set-ntp true" },
        why: `the record's last entry is ${formatDuration(last - ctx.now())} in the future: the clock ran back`,
      } satisfies Finding
    if (synchronised === false)
      return { state: "warn", facts, why: "nothing keeps it right (no NTP)", fix: "timedatectl set-ntp true" }
    return { state: "ok", facts, why: synchronised ? "kept right by NTP" : "not behind the record" }
  },
}

async function readLastTime(reader: Awaited<ReturnType<Tools["reader"]>>): Promise<number | undefined> {
  const row = await reader?.db.selectFrom("events").select("body").orderBy("seq", "desc").limit(1).executeTakeFirst()
  const time = /"time":"([0-9TZ:.-]{20,30})"/.exec(row?.body ?? "")?.[1]
  const ms = time === undefined ? Number.NaN : Date.parse(time)
  return Number.isNaN(ms) ? undefined : ms
}

/** What systemd says; undefined where it does not run. A virtual machine's clock may be set by its host. */
async function askTimeDaemon(ctx: Tools["ctx"]): Promise<boolean | undefined> {
  if (process.platform !== "linux") return undefined
  const asked = await ctx
    .exec("timedatectl", ["show", "--property=NTPSynchronized", "--value"], { env: ctx.env, timeout: 2000 })
    .catch(() => undefined)
  return asked?.exitCode === 0 ? asked.stdout.trim() === "yes" : undefined
}
