import type { IncomingMessage } from 'node:http'
import type { ErrorCode } from '@ai-governance/common/errors'
import { isHost } from '@ai-governance/common/host-check'
import { isProbe } from '@ai-governance/common/probes'
import { requestId } from '@ai-governance/common/request-id'
import { readTrace, type TraceContext } from '@ai-governance/common/trace-context'

/** Header fields of one request; more are refused. */
const MAX_HEADERS = 100
const VERSIONS = ['1.1', '1.0']

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
  const head = emptyHead(httpVersion)
  let givenId: string | undefined
  let traceparent: string | undefined
  let tracestate: string | undefined
  /** Something came twice that may come once. */
  let repeated = false
  let hosts = 0
  let host: string | undefined
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] as string).toLowerCase()
    const value = rawHeaders[i + 1] as string
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
  if (rawHeaders.length > 2 * MAX_HEADERS) head.fault = 'headers_too_large'
  if (repeated) head.fault ??= 'duplicate_header'
  if (hosts !== 1 || isProbe(request.url)) head.fault ??= hostFormFault(request, hosts, host)
  return head
}

/** The fields that say how the request travels. */
function readTransfer(head: RequestHead, name: string, value: string, httpVersion: string): void {
  switch (name) {
    case 'transfer-encoding':
      // Node lets `gzip, chunked` pass, and chunked in HTTP/1.0 (RFC 9112 §6.1).
      if (httpVersion !== '1.1' || value.toLowerCase() !== 'chunked') {
        head.fault ??= 'malformed_request'
      }
      head.chunked = true
      break
    case 'upgrade':
      head.fault ??= 'upgrade_refused'
      break
    case 'expect':
      if (value.toLowerCase() !== '100-continue') head.fault ??= 'expectation_failed'
      // A caller of HTTP/1.0 would take "100 Continue" for the answer (RFC 9110 §10.1.1).
      else head.expectsContinue = httpVersion === '1.1'
      break
  }
}

function emptyHead(httpVersion: string): RequestHead {
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
    // Node answers request lines of HTTP/0.9 and HTTP/2.0 as if they were HTTP/1.1.
    fault: VERSIONS.includes(httpVersion) ? null : 'http_version_not_supported',
  }
}

/** The values of a header so far and one more (RFC 9110 §5.3). */
function joined(before: string | undefined, value: string): string {
  return before === undefined ? value : `${before}, ${value}`
}

/**
 * Every request names one host, probes too, though theirs may be any; only a probe in HTTP/1.0 may name none
 * (RFC 9112 §3.2). What a single host of another request looks like is checked with what it names.
 */
function hostFormFault(
  { url, httpVersion }: IncomingMessage,
  hosts: number,
  host: string | undefined,
): ErrorCode | null {
  if (hosts > 1) return 'invalid_host'
  if (host === undefined) return isProbe(url) && httpVersion === '1.0' ? null : 'invalid_host'
  return isHost(host) ? null : 'invalid_host'
}
