// Where a run may have a destination from: hosts and addresses that were named in what it fetched through the gate. In memory only, bounded
// in every direction, and nothing of the texts but host names and hashes is kept. It can only ever say that something was there: what fetched
// pages name in other ways, or floods pushed out, is not in it.
import { hash } from "node:crypto"
import type { Transform } from "node:stream"
import { constants, createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from "node:zlib"
import { createLru, type Lru } from "../lru.ts"
import type { OutgoingHeaders } from "./forward.ts"
import { addressRest, MAX_NAME, type Mention, readMentions } from "./mentions.ts"

/** Where something was named first. */
export interface Sighting {
  /** Host whose answer named it. */
  from: string
  /** Number of the record of that request. */
  seq: number
  /** Milliseconds since the epoch. */
  time: number
  /** Whether the whole address was, and not only its host. */
  whole: boolean
}

/** Looks at one answer. Never throws, and changes nothing. */
export interface Look {
  /** The head, as it goes to the client: what is no text is not looked at. */
  head: (headers: OutgoingHeaders) => void
  data: (chunk: Buffer) => void
  /** At the end of the answer, however it ends. */
  end: () => void
}

export interface Sightings {
  /** What looks at the answer to a request of a run: recorded under `seq`, answered by `from`. */
  look: (run: string, from: string, seq: number) => Look
  /** What is known of a destination; `rest` is its path and query. Waits a moment for what is still being decoded. */
  find: (run: string, host: string, rest: string) => Promise<Sighting | undefined>
  end: (run: string) => void
}

/** Runs that are remembered, and names of each: those seen longest ago give way. */
const RUNS = 50
const NAMES = 2_000
/** Names that one answer may add. */
const OF_ANSWER = 200
/** Bytes of an answer that are looked at, as they came and decoded. */
const MOST = 256 * 1024
const MOST_DECODED = 512 * 1024
/** Answers that are decoded at the same time, over all runs; others are not looked at. */
const DECODERS = 16
/** And of one run: none takes the place of all others. */
const DECODERS_OF_RUN = 4
/** Milliseconds that a question waits for them. */
const WAIT = 200
/** Characters without a break, after which a word is cut. */
const LONGEST_WORD = 2_048

const TEXT = /^(?:text\/|application\/(?:[\w.+-]*\+)?(?:json|xml|yaml|x-yaml|x-ndjson|javascript|xhtml\+xml)\b)/i

type Seen = Omit<Sighting, "whole">

/** Sightings of the runs of one gate. `now` in milliseconds since the epoch. */
export function createSightings(now: () => number): Sightings {
  const runs = createLru<Lru<Seen>>(RUNS)
  const decoding = new Map<string, Set<Promise<void>>>()
  let decoders = 0

  const noteFor = (run: string, from: string, seq: number) => {
    const names = runs.get(run) ?? createLru<Seen>(NAMES)
    runs.set(run, names)
    // The first sighting counts; a later one keeps it from being forgotten.
    const note = (key: string) => {
      if (names.get(key) === undefined) names.set(key, { from, seq, time: now() })
    }
    return ({ host, rest }: Mention) => {
      // Whoever is reached is known to itself.
      if (host !== from) note(host)
      if (rest !== undefined) note(addressKey(host, rest))
    }
  }
  /** Decodes on threads of its own; resolves what a question waits for once nothing more comes. */
  const decode = (run: string, decoder: Transform, scanner: Scanner): Feed => {
    decoders++
    const own = decoding.get(run) ?? new Set()
    decoding.set(run, own)
    decoder.on("data", (chunk: Buffer) => void (scanner.push(chunk) || decoder.destroy()))
    decoder.on("error", () => {})
    const over = new Promise<void>((resolve) => void decoder.on("close", resolve)).then(() => {
      scanner.end()
      decoders--
      own.delete(over)
      if (own.size === 0) decoding.delete(run)
    })
    own.add(over)
    let left = MOST
    return {
      push: (chunk) => {
        if (decoder.destroyed) return false
        // The bytes go on to the client meanwhile.
        decoder.write(Buffer.from(chunk.subarray(0, left)))
        left -= chunk.length
        return left > 0
      },
      end: () => void decoder.end(),
    }
  }

  return {
    look: (run, from, seq) => {
      let feed: Feed | undefined
      const end = () => {
        feed?.end()
        feed = undefined
      }
      return {
        head: (headers) => {
          const value = (wanted: string) => headers.find(([name]) => name.toLowerCase() === wanted)?.[1] ?? ""
          if (!TEXT.test(value("content-type").trimStart())) return
          const coding = value("content-encoding").trim().toLowerCase()
          if (coding === "" || coding === "identity") feed = createScanner(MOST, noteFor(run, from, seq))
          else if (
            decoders < DECODERS &&
            (decoding.get(run)?.size ?? 0) < DECODERS_OF_RUN &&
            Object.hasOwn(DECODE, coding)
          )
            feed = decode(run, DECODE[coding]!(), createScanner(MOST_DECODED, noteFor(run, from, seq)))
        },
        data: (chunk) => {
          if (feed?.push(chunk) === false) end()
        },
        end,
      }
    },
    find: async (run, host, rest) => {
      const open = decoding.get(run)
      if (open !== undefined)
        await Promise.race([Promise.all(open), new Promise((resolve) => setTimeout(resolve, WAIT).unref())])
      const names = runs.get(run)
      const own = addressRest(rest)
      const whole = own === undefined ? undefined : names?.get(addressKey(host, own))
      const seen = whole ?? names?.get(host)
      return seen && { ...seen, whole: whole !== undefined }
    },
    end: (run) => runs.delete(run),
  }
}

const addressKey = (host: string, rest: string) => hash("sha1", `${host} ${rest}`, "base64")

const SYNC = { finishFlush: constants.Z_SYNC_FLUSH }

/** What an answer may be encoded with; one that breaks off is decoded as far as it goes. */
const DECODE: Readonly<Record<string, () => Transform>> = {
  gzip: () => createGunzip(SYNC),
  "x-gzip": () => createGunzip(SYNC),
  deflate: () => createInflate(SYNC),
  br: () => createBrotliDecompress({ finishFlush: constants.BROTLI_OPERATION_FLUSH }),
  zstd: () => createZstdDecompress({ finishFlush: constants.ZSTD_e_flush }),
}

interface Feed {
  /** False once nothing more is looked at. */
  push: (chunk: Buffer) => boolean
  end: () => void
}

type Scanner = Feed

/** Looks at a text as it comes, at `most` bytes of it. */
function createScanner(most: number, found: (mention: Mention) => void): Scanner {
  let [bytes, left, tail] = [0, OF_ANSWER, ""]
  const scan = (text: string) =>
    readMentions(text, left, (mention) => {
      left--
      found(mention)
    })
  return {
    push: (chunk) => {
      const text = tail + chunk.toString("latin1", 0, Math.min(chunk.length, most - bytes))
      bytes += chunk.length
      const goesOn = bytes < most && left > 0
      // What may be the beginning of a name or an address is looked at with what follows it.
      const cut = goesOn ? lastBreak(text) : text.length
      scan(text.slice(0, cut))
      tail = text.slice(cut)
      return goesOn
    },
    end: () => {
      if (tail !== "") scan(tail)
      tail = ""
    },
  }
}

/** Where a text can be cut so that nothing before it goes on behind it; a word that is too long to matter is cut somewhere. */
function lastBreak(text: string): number {
  for (let at = text.length - 1; at >= 0 && at >= text.length - LONGEST_WORD; at--)
    if (text.charCodeAt(at) <= 32 || text[at] === '"') return at + 1
  return text.length > LONGEST_WORD ? text.length - MAX_NAME : 0
}
