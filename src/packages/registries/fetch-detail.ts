// Something about one published version that never changes: asked for once, then kept for good.
import { type Cache, cacheKey } from "./cache.ts"
import type { Services } from "./fetch-document.ts"
import type { HttpRequest } from "./http.ts"
import { isRecord } from "./values.ts"

/** A time that no clock reaches. */
const FOR_GOOD = 8e15

/**
 * Plain JSON made by `reduce` out of one answer; undefined where there is none or it cannot be read. `parts` tell it from
 * any other detail. What comes back may come from the cache and has to be checked by the caller.
 */
export async function fetchDetail(
  { http, cache, now }: Services,
  parts: readonly string[],
  request: HttpRequest,
  reduce: (body: Buffer) => Record<string, unknown> | undefined | Promise<Record<string, unknown> | undefined>,
): Promise<Record<string, unknown> | undefined> {
  const key = cacheKey("detail", request.url, ...parts)
  const known = await readDetail(cache, key)
  if (known !== undefined) return known
  const answer = await http.get(request)
  if (!answer.ok || answer.status !== 200) return undefined
  try {
    const detail = await reduce(answer.body)
    if (detail !== undefined) cache.write(key, { fetchedAt: now(), freshUntil: FOR_GOOD, payload: detail })
    return detail
  } catch {
    // Readers of hostile bytes throw on what is not what it claims to be; then there is no such detail.
    return undefined
  }
}

async function readDetail(cache: Cache, key: string): Promise<Record<string, unknown> | undefined> {
  const payload = (await cache.read(key))?.payload
  return isRecord(payload) ? payload : undefined
}
