import { hash } from 'node:crypto'

/** What a test may say about an entry; the rest is filled in. */
export interface Content {
  event_type?: string
  subject?: string
  decision?: boolean
  details?: unknown
  actor?: string
}

export const ZEROS = '00'.repeat(32)
const START_US = 1_764_000_000_123_456n

/**
 * The lines of an export with right hashes, made from docs/FORMATS.md without the code under test; the
 * trailer is the last one. `firstId` and `prev` are for one that starts behind entry 1, `startUs` for one of
 * another time.
 */
export function exportOf(
  contents: readonly Content[],
  firstId = 1,
  prev = ZEROS,
  startUs = START_US,
): string[] {
  let last = prev
  const lines = contents.map((content, i) => {
    const line = entryLine(content, firstId + i, last, startUs)
    last = JSON.parse(line).entry_hash
    return line
  })
  const isEmpty = contents.length === 0
  const trailer = {
    trailer: true,
    count: contents.length,
    first_id: isEmpty ? null : firstId,
    last_id: isEmpty ? null : firstId + contents.length - 1,
    last_entry_hash: isEmpty ? ZEROS : last,
    checkpoint: null,
    verifier_key: null,
  }
  return [...lines, JSON.stringify(trailer)]
}

/** One line, created a microsecond after the one before. */
export function entryLine(content: Content, id: number, prev: string, startUs = START_US): string {
  const details = JSON.stringify(content.details ?? {})
  const salt = hash('md5', `salt ${id}`)
  const envelope = {
    actor: content.actor ?? 'anonymous',
    decision: content.decision ?? true,
    details_hash: hash('sha256', Buffer.concat([Buffer.from(salt, 'hex'), Buffer.from(details)])),
    event_type: content.event_type ?? 'model.released',
    request_id: null,
    subject: content.subject ?? `s@${id}`,
    v: 1,
  }
  const us = startUs + BigInt(id)
  const numbers = Buffer.alloc(16)
  numbers.writeBigUInt64BE(BigInt(id), 0)
  numbers.writeBigInt64BE(us, 8)
  const event = hash('sha256', JSON.stringify(envelope), 'buffer')
  const bytes = Buffer.concat([Buffer.of(2), Buffer.from(prev, 'hex'), numbers, event])
  const ms = new Date(Number(us / 1000n)).toISOString().slice(0, -1)
  const created = `${ms}${String(us % 1000n).padStart(3, '0')}Z`
  return (
    `{"id":${id},"event_type":${JSON.stringify(envelope.event_type)},"subject":${JSON.stringify(envelope.subject)}` +
    `,"decision":${envelope.decision},"details":${details},"details_salt":"${salt}"` +
    `,"details_hash":"${envelope.details_hash}","actor":${JSON.stringify(envelope.actor)},"request_id":null,"created_at":"${created}"` +
    `,"prev_hash":"${prev}","entry_hash":"${hash('sha256', bytes)}"}`
  )
}
