import type { IncomingMessage } from 'node:http'
import type { ErrorCode } from '@ai-governance/common/errors'
import {
  hostFormFault,
  MAX_HEADERS,
  transferFault,
  versionFault,
} from '@ai-governance/common/http/http-rules'
import { readTrace, type TraceContext } from '@ai-governance/common/observability/trace-context'
import { requestId } from '@ai-governance/common/requests/request-id'

/**
 * Bytes of the request line and all fields with what stands between them. Node counts names, values and the target
 * alone, and so lets some hundred bytes more pass.
 */
export const MAX_HEAD_BYTES = 16_384
/** `GET`'s two spaces, `HTTP/1.1`, the line ends, and what is around a name and a value. */
const LINE_REST = 14
const FIELD_REST = 4

/** What the gateway wants to know from the head of a request. */
export interface RequestHead {
  id: string
  contentType: string | undefined
  contentEncoding: string | undefined
  /** 0 where none is announced. */
  contentLength: number
  /** The credentials as sent; never logged, never passed on. */
  authorization: string | undefined
  idempotencyKey: string | undefined
  /** Lists: what came twice is joined. */
  accept: string | undefined
  acceptEncoding: string | undefined
  chunked: boolean
  origin: string | undefined
  'sec-fetch-site': string | undefined
  expectsContinue: boolean
  /** The trace that it belongs to, or a new one. */
  trace: TraceContext
  /** What is wrong with it as HTTP. The connection is not used again: its framing is in doubt. */
  fault: ErrorCode | null
}

/** Until the head is read. */
const NO_TRACE: TraceContext = { traceId: '', spanId: '', flags: 0, state: '' }

/** Whether a body follows, as far as the head tells. */
export function announcesBody(head: RequestHead): boolean {
  return head.chunked || head.contentLength > 0
}

/**
 * Reads the head of a request in one pass over `rawHeaders`, because `headers` hides what came twice.
 * What Node's parser refuses itself (test/corpus/raw-requests.json has the list) does not arrive here; what it
 * lets through and should not is a `fault`. Attacker-controlled.
 */
export function readHead(request: IncomingMessage): RequestHead {
  const { rawHeaders, httpVersion } = request
  const head = emptyHead(request)
  let givenId: string | undefined
  let traceparent: string | undefined
  let tracestate: string | undefined
  /** Something came twice that may come once. */
  let repeated = false
  let hosts = 0
  let host: string | undefined
  let bytes = (request.method ?? '').length + (request.url ?? '').length + LINE_REST
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] as string).toLowerCase()
    const value = rawHeaders[i + 1] as string
    bytes += name.length + value.length + FIELD_REST
    switch (name) {
      case 'x-request-id':
        // Two ids are none: a comma keeps the pair from being taken for one.
        givenId = joined(givenId, value)
        break
      case 'content-type':
        repeated ||= head.contentType !== undefined
        head.contentType = value
        break
      case 'content-encoding':
        head.contentEncoding = value
        break
      case 'content-length':
        head.contentLength = Number(value)
        break
      case 'authorization':
        repeated ||= head.authorization !== undefined
        head.authorization = value
        break
      case 'host':
        hosts++
        host = value
        break
      case 'idempotency-key':
        repeated ||= head.idempotencyKey !== undefined
        head.idempotencyKey = value
        break
      case 'accept':
        head.accept = joined(head.accept, value)
        break
      case 'accept-encoding':
        head.acceptEncoding = joined(head.acceptEncoding, value)
        break
      case 'traceparent':
        traceparent = joined(traceparent, value)
        break
      case 'tracestate':
        tracestate = joined(tracestate, value)
        break
      case 'origin':
        head.origin = joined(head.origin, value)
        break
      case 'sec-fetch-site':
        head['sec-fetch-site'] = joined(head['sec-fetch-site'], value)
        break
      default:
        readTransfer(head, name, value, httpVersion)
    }
  }
  head.id = requestId(givenId)
  head.trace = readTrace(traceparent, tracestate)
  if (rawHeaders.length > 2 * MAX_HEADERS || bytes > MAX_HEAD_BYTES)
    head.fault = 'headers_too_large'
  if (repeated) head.fault ??= 'duplicate_header'
  head.fault ??= hostFormFault(request, hosts, host)
  return head
}

/** The fields that say how the request travels. */
function readTransfer(head: RequestHead, name: string, value: string, httpVersion: string): void {
  head.fault ??= transferFault(name, value, httpVersion)
  if (name === 'transfer-encoding') head.chunked = true
  // A caller of HTTP/1.0 would take "100 Continue" for the answer (RFC 9110 §10.1.1).
  else if (name === 'expect') head.expectsContinue = httpVersion === '1.1'
}

function emptyHead(request: IncomingMessage): RequestHead {
  return {
    id: '',
    contentType: undefined,
    contentEncoding: undefined,
    contentLength: 0,
    authorization: undefined,
    idempotencyKey: undefined,
    accept: undefined,
    acceptEncoding: undefined,
    chunked: false,
    origin: undefined,
    'sec-fetch-site': undefined,
    expectsContinue: false,
    trace: NO_TRACE,
    fault: versionFault(request),
  }
}

/** The values of a header so far and one more (RFC 9110 §5.3). */
function joined(before: string | undefined, value: string): string {
  return before === undefined ? value : `${before}, ${value}`
}
