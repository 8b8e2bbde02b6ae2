import { HASH_BYTES } from './merkle.ts'

/** Hashes in a full tile (https://c2sp.org/tlog-tiles). */
const TILE_WIDTH = 256

/** Which tile a path names. */
export interface TilePath {
  /** A level of hashes, or the bundles of entries. */
  level: number | 'entries'
  index: number
  /** Hashes or entries in it: 256, or those of a partial tile. */
  width: number
  isFull: boolean
}

const PATH =
  /^\/tile\/(entries|[0-9]|[1-5][0-9]|6[0-3])\/((?:x[0-9]{3}\/)*[0-9]{3})(?:\.p\/([1-9][0-9]{0,2}))?$/

/** Reads `/tile/<L>/<N>[.p/<W>]`, N in groups of three digits; null if it is not of exactly this form. */
export function parseTilePath(path: string): TilePath | null {
  const match = PATH.exec(path)
  if (!match) return null
  const [, level, groups = '', partial] = match
  // A number is written in one way: a first group of zeros would be another.
  if (groups.startsWith('x000/')) return null
  const index = Number(groups.replaceAll(/[x/]/g, ''))
  const width = partial === undefined ? TILE_WIDTH : Number(partial)
  if (!Number.isSafeInteger(index) || width > TILE_WIDTH || (partial && width === TILE_WIDTH)) {
    return null
  }
  return {
    level: level === 'entries' ? 'entries' : Number(level),
    index,
    width,
    isFull: partial === undefined,
  }
}

/** An entry bundle: u16 32 ‖ entry_hash, again and again. */
export function entryBundle(entryHashes: Buffer): Buffer {
  const count = entryHashes.length / HASH_BYTES
  const bundle = Buffer.alloc(count * (2 + HASH_BYTES))
  for (let i = 0; i < count; i++) {
    bundle.writeUInt16BE(HASH_BYTES, i * (2 + HASH_BYTES))
    entryHashes.copy(bundle, i * (2 + HASH_BYTES) + 2, i * HASH_BYTES, (i + 1) * HASH_BYTES)
  }
  return bundle
}
