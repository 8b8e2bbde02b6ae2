import type { Socket } from 'node:net'
import { ApiError, type ErrorCode } from './errors.ts'
import { requestId } from './request-id.ts'

/** Codes of the errors that Node's HTTP parser reports before there is a request. */
const PARSER_ERRORS: Record<string, ErrorCode> = {
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 'body_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
  HPE_INVALID_VERSION: 'http_version_not_supported',
}

/** The error to answer with when the parser refused a request. */
export function parserError(error: Error & { code?: string }): ApiError {
  return new ApiError(PARSER_ERRORS[error.code ?? ''] ?? 'malformed_request')
}

/**
 * Answers on the bare socket and closes it: for what never became a request. Returns the request id
 * under which it was answered, or null where nobody listens any more.
 */
export function refuseOnSocket(socket: Socket, error: ApiError): string | null {
  if (!socket.writable || socket.destroyed) {
    socket.destroy()
    return null
  }
  const id = requestId(undefined)
  const body = JSON.stringify(error.problem(id))
  socket.end(
    `HTTP/1.1 ${error.status} ${error.code}\r\n` +
      'Content-Type: application/problem+json\r\n' +
      `Content-Length: ${Buffer.byteLength(body)}\r\n` +
      `X-Request-ID: ${id}\r\n` +
      "Content-Security-Policy: default-src 'none'\r\nX-Content-Type-Options: nosniff\r\n" +
      'X-Frame-Options: DENY\r\nReferrer-Policy: no-referrer\r\nConnection: close\r\n\r\n' +
      body,
  )
  return id
}
