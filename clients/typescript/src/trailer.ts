import { integer, string, TEXT_OR_NULL } from './entry-line.ts'
import { readHashes } from './merkle.ts'

/** What the entries before the trailer were found to be; the trailer must say the same. */
export interface Counted {
  count: number
  first_id: number | null
  last_id: number | null
  last_entry_hash: string
}

/** What the trailer holds beside that: not judged yet. */
export interface Trailer {
  checkpoint: string | null
  verifier_key: string | null
  /** Hashes in hex that are to prove the last entry; null where the trailer has none. */
  inclusion: readonly string[] | null
}

const MEMBERS = [
  ...['trailer', 'count', 'first_id', 'last_id', 'last_entry_hash', 'checkpoint', 'verifier_key'],
]

/** The trailer of an export, or why it is none for these entries. `members` may come from anybody. */
export function readTrailer(
  members: ReadonlyMap<string, string>,
  counted: Counted,
): Trailer | { fault: string } {
  const size = MEMBERS.length + (members.has('inclusion') ? 1 : 0)
  const isWhole = members.size === size && MEMBERS.every((name) => members.has(name))
  const token = (name: string) => members.get(name) as string
  if (!isWhole || token('trailer') !== 'true') {
    return { fault: 'the trailer does not have the members that it must have' }
  }
  const inclusion = members.has('inclusion') ? hashesOf(token('inclusion')) : null
  if (members.has('inclusion') && !inclusion)
    return { fault: 'inclusion of the trailer is not a list of hashes' }
  const fault = typesFault(token) ?? countFault(token, counted)
  if (fault !== null) return { fault }
  return {
    checkpoint: string(token('checkpoint')),
    verifier_key: string(token('verifier_key')),
    inclusion,
  }
}

function typesFault(token: (name: string) => string): string | null {
  const { fits, what } = TEXT_OR_NULL
  const wrong = ['checkpoint', 'verifier_key'].find((name) => !fits(token(name)))
  return wrong ? `${wrong} of the trailer is not ${what}` : null
}

function countFault(token: (name: string) => string, counted: Counted): string | null {
  for (const [name, fact] of Object.entries(counted)) {
    const said = typeof fact === 'string' ? string(token(name)) : numberOf(token(name))
    if (said !== fact) return `${name} of the trailer is not that of the entries`
  }
  return null
}

/** A count or an id as plain digits; undefined for anything else. */
function numberOf(token: string): number | null | undefined {
  if (token === 'null' || token === '0') return JSON.parse(token) as number | null
  return integer(token) ?? undefined
}

/** The hashes of a JSON array of base64 texts, in hex; null for anything else. The token is valid JSON. */
function hashesOf(token: string): string[] | null {
  return token.startsWith('[') ? readHashes(JSON.parse(token) as unknown[]) : null
}
