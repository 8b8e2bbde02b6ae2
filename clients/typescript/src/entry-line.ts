import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import { fromHex, toBytes } from './bytes.ts'
import { isCanonicalJson, JsonTextError, membersOf } from './json-text.ts'
import { parseWireTime } from './timestamps.ts'

/** An entry as it stands in a line of an export, every member of its right type. */
export interface EntryLine {
  id: number
  event_type: string
  subject: string
  decision: boolean
  /** The text of the details exactly as it stands in the line; null once erased. */
  details: string | null
  details_salt: string | null
  details_hash: string
  actor: string | null
  request_id: string | null
  /** Microseconds since the Unix epoch. */
  created_at: bigint
  prev_hash: string
  entry_hash: string
  /** The entry that accounts for the erasure; null where nothing was erased. */
  erased_by: number | null
}

/** What a line holds: the text of each member of its object, or why it is no JSON object. */
export type LineMembers = { members: Map<string, string> } | { fault: string }

/** Takes a line apart without believing it. `line` is attacker-controlled. */
export function readMembers(line: string): LineMembers {
  try {
    const spans = membersOf(line)
    return {
      members: new Map([...spans].map(([name, { start, end }]) => [name, line.slice(start, end)])),
    }
  } catch (error) {
    if (error instanceof JsonTextError) return { fault: error.message }
    throw error
  }
}

const ENTRY_MEMBERS = [
  ...['id', 'event_type', 'subject', 'decision', 'details', 'details_salt', 'details_hash'],
  ...['actor', 'request_id', 'created_at', 'prev_hash', 'entry_hash'],
]
const ERASED_MEMBERS = [...ENTRY_MEMBERS, 'erased', 'erased_by']
const HASH = /^"[0-9a-f]{64}"$/
const SALT = /^"[0-9a-f]{32}"$/

/** The id that a line claims, for naming it in a verdict; null if it claims none. */
export function claimedId(members: Map<string, string>): number | null {
  return integer(members.get('id'))
}

/** The entry of a line, or the first thing that keeps it from being one. */
export function readEntry(members: Map<string, string>): EntryLine | { fault: string } {
  const erased = members.has('erased') || members.has('erased_by')
  const names = erased ? ERASED_MEMBERS : ENTRY_MEMBERS
  const missing = names.find((name) => !members.has(name))
  if (missing) return { fault: `the member "${missing}" is missing` }
  if (members.size > names.length) return { fault: 'there is a member that no entry has' }
  const text = (name: string) => members.get(name) as string
  const wrong = (name: string) => ({ fault: `"${name}" is not what it must be` })

  const id = integer(text('id'))
  if (id === null) return wrong('id')
  const created_at = parseWireTime(string(text('created_at')) ?? '')
  if (created_at === null) return wrong('created_at')
  for (const name of ['details_hash', 'prev_hash', 'entry_hash']) {
    if (!HASH.test(text(name))) return wrong(name)
  }
  if (text('details') !== 'null' && !text('details').startsWith('{')) return wrong('details')
  if (text('details_salt') !== 'null' && !SALT.test(text('details_salt'))) {
    return wrong('details_salt')
  }
  const event_type = string(text('event_type'))
  const subject = string(text('subject'))
  if (event_type === null) return wrong('event_type')
  if (subject === null) return wrong('subject')
  for (const name of ['actor', 'request_id']) {
    if (text(name) !== 'null' && string(text(name)) === null) return wrong(name)
  }
  if (!/^(?:true|false)$/.test(text('decision'))) return wrong('decision')
  const erased_by = erased ? integer(text('erased_by')) : null
  if (erased && text('erased') !== 'true') return wrong('erased')
  if (erased && erased_by === null) return wrong('erased_by')
  const isNull = (name: string) => text(name) === 'null'
  return {
    id,
    event_type,
    subject,
    decision: text('decision') === 'true',
    details: isNull('details') ? null : text('details'),
    details_salt: isNull('details_salt') ? null : text('details_salt').slice(1, -1),
    details_hash: text('details_hash').slice(1, -1),
    actor: string(text('actor')),
    request_id: string(text('request_id')),
    created_at,
    prev_hash: text('prev_hash').slice(1, -1),
    entry_hash: text('entry_hash').slice(1, -1),
    erased_by,
  }
}

/** What of an entry's own content does not agree with its hashes; null if all of it does. */
export function hashFault(entry: EntryLine): string | null {
  if (entry.details !== null && entry.details_salt !== null) {
    if (!isCanonicalJson(entry.details)) return 'details are not canonical JSON'
    if (detailsHash(entry.details_salt, entry.details) !== entry.details_hash) {
      return 'details do not match details_hash'
    }
  }
  return entryHash(entry) === entry.entry_hash ? null : 'entry_hash does not match the content'
}

/** SHA256( salt ‖ JCS(details) ) in hex. `salt` in hex, `details` as canonical text. */
export function detailsHash(salt: string, details: string): string {
  const bytes = toBytes(details)
  return bytesToHex(
    sha256
      .create()
      .update(fromHex(salt) as Uint8Array)
      .update(bytes)
      .digest(),
  )
}

/** SHA256( JCS({ actor, decision, details_hash, event_type, request_id, subject, "v": 1 }) ), 32 bytes. */
export function eventHash(
  event: Pick<
    EntryLine,
    'actor' | 'decision' | 'details_hash' | 'event_type' | 'request_id' | 'subject'
  >,
): Uint8Array {
  const { actor, decision, details_hash, event_type, request_id, subject } = event
  // In canonical order: JSON.stringify keeps the order of the members and escapes as RFC 8785 wants.
  return sha256(
    toBytes(
      JSON.stringify({ actor, decision, details_hash, event_type, request_id, subject, v: 1 }),
    ),
  )
}

/** SHA256( 0x02 ‖ prev_hash ‖ u64 id ‖ i64 created_at ‖ event_hash ) in hex. */
export function entryHash(entry: EntryLine): string {
  const bytes = new Uint8Array(81)
  const view = new DataView(bytes.buffer)
  bytes[0] = 2
  bytes.set(fromHex(entry.prev_hash) as Uint8Array, 1)
  view.setBigUint64(33, BigInt(entry.id))
  view.setBigInt64(41, entry.created_at)
  bytes.set(eventHash(entry), 49)
  return bytesToHex(sha256(bytes))
}

/** The text that a JSON token says; null if it is no string. The token is known to be valid JSON. */
function string(token: string): string | null {
  return token.startsWith('"') ? (JSON.parse(token) as string) : null
}

/** The id that a JSON token says, 1 to 2^53−1 in plain decimal; else null. */
export function integer(token: string | undefined): number | null {
  if (token === undefined || !/^[1-9][0-9]{0,15}$/.test(token)) return null
  const value = Number(token)
  return Number.isSafeInteger(value) ? value : null
}
