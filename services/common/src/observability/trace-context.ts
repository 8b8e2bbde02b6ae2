import { randomText } from '../random-bytes.ts'

/**
 * Where a request stands in a distributed trace (W3C Trace Context, https://www.w3.org/TR/trace-context/).
 * The control plane records no spans of its own, so it hands on what it was given instead of putting itself
 * between: `spanId` is the span of whoever called us.
 */
export interface TraceContext {
  /** 32 lower-case hex digits, not all zero. */
  traceId: string
  /** 16 lower-case hex digits, not all zero. */
  spanId: string
  /** Bit 0: the caller records this trace. All other bits are reserved, and 0. */
  flags: 0 | 1
  /** What tracing systems keep for themselves, `tracestate`; empty where there is none. */
  state: string
}

/** Version, trace id, parent id, flags (§3.2.2); a later version may have more behind another dash. */
const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/
const ZEROS = /^0+$/

/** What everybody should at least pass on (§3.3.1.5), and all that is passed on here, in characters. */
const MAX_STATE = 512
/** Members of a list (§3.3.1.1). */
const MAX_MEMBERS = 32
/** Members that are longer than this go first where the list is too long (§3.3.1.5). */
const LONG_MEMBER = 128
/** `key=value` (§3.3.1.3): a key of one system or of a tenant of one; a value that does not end in a space. */
const MEMBER =
  /^([a-z][a-z0-9_\-*/]{0,255}|[a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13})=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/

/**
 * The trace that a request belongs to. Where `traceparent` is missing or wrong a new one begins, as §4.3 asks,
 * and `tracestate` is not looked at. Both come from outside; two headers of one name arrive joined by a comma.
 */
export function readTrace(
  traceparent: string | undefined,
  tracestate: string | undefined,
): TraceContext {
  const given = traceparent === undefined ? null : parseTraceparent(traceparent)
  if (!given) return { traceId: randomHex(16), spanId: randomHex(8), flags: 0, state: '' }
  return tracestate === undefined ? given : { ...given, state: parseTracestate(tracestate) }
}

/** Reads `traceparent`, of whatever version can be read like the first (§4.3); null where it is not right. */
export function parseTraceparent(text: string): TraceContext | null {
  const match = TRACEPARENT.exec(text)
  if (!match) return null
  const [, version, traceId, spanId, flags, rest] = match as unknown as [
    ...[string, string, string, string, string],
    string | undefined,
  ]
  if (version === 'ff' || (version === '00' && rest !== undefined)) return null
  if (ZEROS.test(traceId) || ZEROS.test(spanId)) return null
  return { traceId, spanId, flags: (Number.parseInt(flags, 16) & 1) as 0 | 1, state: '' }
}

/**
 * What of `tracestate` is passed on: all of it up to 512 characters, else without the long members, else
 * without the last ones; nothing where it is not a list of at most 32 members with a key each of its own.
 */
export function parseTracestate(text: string): string {
  // Each of 32 members has at most 513 characters: longer is wrong anyhow, and not worth the work.
  if (text.length > 32_768) return ''
  // Empty members are allowed, and dropped.
  const members = text
    .split(',')
    .map((member) => member.replace(/^[ \t]+|[ \t]+$/g, ''))
    .filter((member) => member !== '')
  if (members.length > MAX_MEMBERS) return ''
  const keys = members.map((member) => MEMBER.exec(member)?.[1])
  if (keys.includes(undefined) || new Set(keys).size < keys.length) return ''
  for (const isDropped of [(member: string) => member.length > LONG_MEMBER, () => true]) {
    for (let i = members.length - 1; i >= 0 && lengthOf(members) > MAX_STATE; i--) {
      if (isDropped(members[i] as string)) members.splice(i, 1)
    }
  }
  return members.join(',')
}

/** The headers of a call that is made for a request of this trace, name and value in turn. */
export function traceHeaders({ traceId, spanId, flags, state }: TraceContext): string[] {
  const headers = ['traceparent', `00-${traceId}-${spanId}-0${flags}`]
  if (state !== '') headers.push('tracestate', state)
  return headers
}

/** What each log line of a request says of its trace. */
export function traceFields({ traceId, spanId }: TraceContext) {
  return { trace_id: traceId, span_id: spanId }
}

function lengthOf(members: readonly string[]): number {
  return members.reduce((sum, member) => sum + member.length + 1, -1)
}

/** Lower-case hex digits of `bytes` random bytes, not all zero. */
function randomHex(bytes: number): string {
  const text = randomText(bytes, 'hex')
  return ZEROS.test(text) ? randomHex(bytes) : text
}
