import type { IncomingMessage } from 'node:http'
import { ApiError, type ErrorCode } from '@ai-governance/common/errors'
import { requestId } from '@ai-governance/common/request-id'

/** Header fields of one request; more are refused. */
const MAX_HEADERS = 100

/** What the gateway wants to know from the head of a request. */
export interface RequestHead {
  id: string
  contentType: string | undefined
  contentEncoding: string | undefined
  /** 0 where none is announced. */
  contentLength: number
  idempotencyKey: string | undefined
  /** Lists: what came twice is joined. */
  accept: string | undefined
  acceptEncoding: string | undefined
  chunked: boolean
  origin: string | undefined
  fetchSite: string | undefined
  expectsContinue: boolean
  /** What is wrong with it as HTTP. The connection is not used again: its framing is in doubt. */
  fault: ErrorCode | null
}

/** Whether a body follows, as far as the head tells. */
export function announcesBody(head: RequestHead): boolean {
  return head.chunked || head.contentLength > 0
}

/**
 * Reads the head of a request in one pass over `rawHeaders`, because `headers` hides what came twice.
 * What Node's parser refuses itself (test/framing.test.ts has the list) does not arrive here; what it
 * lets through and should not is a `fault`. Attacker-controlled.
 */
export function readHead(request: IncomingMessage): RequestHead {
  const { rawHeaders, httpVersion } = request
  const head: RequestHead = {
    id: '',
    contentType: undefined,
    contentEncoding: undefined,
    contentLength: 0,
    idempotencyKey: undefined,
    accept: undefined,
    acceptEncoding: undefined,
    chunked: false,
    origin: undefined,
    fetchSite: undefined,
    expectsContinue: false,
    fault: null,
  }
  let givenId: string | undefined
  let authorization: string | undefined
  /** Something came twice that may come once. */
  let repeated = false
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const value = rawHeaders[i + 1] as string
    switch ((rawHeaders[i] as string).toLowerCase()) {
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
      case 'transfer-encoding':
        // Node lets `gzip, chunked` pass, and chunked in HTTP/1.0 (RFC 9112 §6.1).
        if (httpVersion !== '1.1' || value.toLowerCase() !== 'chunked') {
          head.fault ??= 'malformed_request'
        }
        head.chunked = true
        break
      case 'authorization':
        repeated ||= authorization !== undefined
        authorization = value
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
      case 'origin':
        head.origin = joined(head.origin, value)
        break
      case 'sec-fetch-site':
        head.fetchSite = value
        break
      case 'upgrade':
        head.fault ??= 'upgrade_refused'
        break
      case 'expect':
        head.expectsContinue = value.toLowerCase() === '100-continue'
        if (!head.expectsContinue) head.fault ??= 'expectation_failed'
        break
    }
  }
  head.id = requestId(givenId)
  if (rawHeaders.length > 2 * MAX_HEADERS) head.fault = 'headers_too_large'
  // Node answers HTTP/0.9 and HTTP/2.0 request lines as if they were HTTP/1.1.
  else if (httpVersion !== '1.1' && httpVersion !== '1.0')
    head.fault ??= 'http_version_not_supported'
  if (repeated) head.fault ??= 'duplicate_header'
  return head
}

/** The values of a header so far and one more (RFC 9110 §5.3). */
function joined(before: string | undefined, value: string): string {
  return before === undefined ? value : `${before}, ${value}`
}

/** Whether a web page of another site is behind the request (https://www.w3.org/TR/fetch-metadata/). */
export function crossSiteFault(
  head: RequestHead,
  isKnownHost: (host: string) => boolean,
): ApiError | null {
  const host = head.origin === undefined ? null : /^https?:\/\/(.+)$/.exec(head.origin)?.[1]
  const foreign = host === undefined || (host !== null && !isKnownHost(host))
  return foreign || head.fetchSite === 'cross-site' ? new ApiError('cross_site_request') : null
}
