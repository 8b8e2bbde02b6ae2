import { sha256Hex, toBytes, writeHex } from './bytes.ts'
import type { EntryLine } from './entry-line.ts'

/** What is in the hash of an event. */
type Envelope = Pick<
  EntryLine,
  'actor' | 'decision' | 'details_hash' | 'event_type' | 'request_id' | 'subject'
>

/** What is in the hash of an entry. */
type Hashed = Envelope & Pick<EntryLine, 'id' | 'created_at' | 'prev_hash'>

const SALT_BYTES = 16
const utf8 = new TextEncoder()
/** Room for a salt and for details of a usual size, so that most entries need none of their own. */
const room = new Uint8Array(65_536)
const entryBytes = new Uint8Array(81).fill(2, 0, 1)
const entryView = new DataView(entryBytes.buffer)

/** SHA256( salt ‖ JCS(details) ) in hex. `salt` in hex, `details` as canonical text. */
export function detailsHash(salt: string, details: string): string {
  // A UTF-16 code unit takes at most three bytes in UTF-8.
  const isSmall = SALT_BYTES + details.length * 3 <= room.length
  if (isSmall) {
    writeHex(salt, room, 0)
    const { written } = utf8.encodeInto(details, room.subarray(SALT_BYTES))
    return sha256Hex(room.subarray(0, SALT_BYTES + written))
  }
  const text = toBytes(details)
  const bytes = new Uint8Array(SALT_BYTES + text.length)
  writeHex(salt, bytes, 0)
  bytes.set(text, SALT_BYTES)
  return sha256Hex(bytes)
}

/** SHA256( JCS({ actor, decision, details_hash, event_type, request_id, subject, "v": 1 }) ) in hex. */
export function eventHash(event: Envelope): string {
  const { actor, decision, details_hash, event_type, request_id, subject } = event
  return sha256Hex(
    `{"actor":${quoted(actor)},"decision":${decision},"details_hash":"${details_hash}","event_type":` +
      `${quoted(event_type)},"request_id":${quoted(request_id)},"subject":${quoted(subject)},"v":1}`,
  )
}

/** SHA256( 0x02 ‖ prev_hash ‖ u64 id ‖ i64 created_at ‖ event_hash ) in hex. */
export function entryHash(entry: Hashed): string {
  writeHex(entry.prev_hash, entryBytes, 1)
  entryView.setBigUint64(33, BigInt(entry.id))
  entryView.setBigInt64(41, entry.created_at)
  writeHex(eventHash(entry), entryBytes, 49)
  return sha256Hex(entryBytes)
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON escapes exactly these (RFC 8259 §7)
const ESCAPED = /["\\\u0000-\u001f]/

/** A text as a canonical JSON string. It is known to be well-formed, so the rest stands for itself. */
function quoted(text: string | null): string {
  return text === null || ESCAPED.test(text) ? JSON.stringify(text) : `"${text}"`
}
