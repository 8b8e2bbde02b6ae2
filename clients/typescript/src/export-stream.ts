import type { AuditEntry } from './audit-types.ts'
import { Deadline } from './deadline.ts'
import { GovernanceError } from './errors.ts'
import { isObject } from './json.ts'
import { linesOf } from './lines.ts'
import type { Call, CallOptions, Transport } from './transport.ts'

/**
 * The bytes of an answer of any size, each chunk read when it is asked for. The time between two
 * chunks is limited by the time-out of the client, and that of the whole only by `options.timeoutMs`.
 * The call is over when the generator is: leaving the loop closes the connection.
 */
export async function* streamBytes(
  transport: Transport,
  call: Call,
  options: CallOptions,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const whole = options.timeoutMs !== undefined
  const patience = options.timeoutMs ?? transport.timeoutMs
  const requestId = options.requestId ?? transport.makeRequestId()
  const deadline = new Deadline(options.signal, patience)
  let reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>> | undefined
  try {
    const response = await transport.attempt(
      call,
      { requestId },
      deadline,
      async (answer) => answer,
    )
    reader = response.body?.getReader()
    for (;;) {
      if (!whole) deadline.restart(patience)
      const part = await reader?.read().catch((cause: unknown) => {
        throw deadline.fault(requestId, false) ?? brokenOff(cause, requestId)
      })
      if (!part || part.done) return
      // The time in which the caller works on a chunk is its own.
      if (!whole) deadline.pause()
      yield part.value
    }
  } finally {
    deadline.clear()
    await reader?.cancel().catch(() => {})
  }
}

/** The entries of an NDJSON export. Throws `export_incomplete` where the trailer is missing. */
export async function* exportedEntries(
  bytes: AsyncIterable<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<AuditEntry> {
  let count = 0
  for await (const line of linesOf(bytes, MAX_LINE_BYTES)) {
    const value = line.fault === null ? parsed(line.text) : null
    if (!isObject(value)) {
      throw new GovernanceError('invalid_answer', `line ${count + 1} of the export is no entry.`)
    }
    if (value.trailer === true) {
      if (value.count === count) return
      throw brokenOff(new Error(`the trailer counts ${value.count} entries, and ${count} came`))
    }
    count++
    yield value as unknown as AuditEntry
  }
  throw brokenOff(new Error('the trailer is missing'))
}

const MAX_LINE_BYTES = 64 * 1_048_576

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function brokenOff(cause: unknown, requestId?: string): GovernanceError {
  const detail = 'the export broke off: ask for it again.'
  return new GovernanceError('export_incomplete', detail, { requestId, cause })
}
