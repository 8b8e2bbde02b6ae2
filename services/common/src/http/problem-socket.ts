import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { ApiError, type ErrorCode } from '../errors.ts'
import { requestId } from '../requests/request-id.ts'
import { SECURITY_HEADERS } from './security-headers.ts'

/** Codes of the errors that Node's HTTP parser reports before there is a request. */
const PARSER_ERRORS: Record<string, ErrorCode> = {
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 'body_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
  HPE_INVALID_VERSION: 'http_version_not_supported',
  HPE_PAUSED_H2_UPGRADE: 'http_version_not_supported',
}

/** How long a refused connection may take to close from the other end, in ms. */
const CLOSE_WITHIN = 1_000

/** Sockets that were reported already: the parser reports again for every packet that still comes in. */
const reported = new WeakSet<Socket>()
/** Those of them that had our answer. */
const refused = new WeakSet<Socket>()

/** The error to answer with when the parser refused a request. */
export function parserError(error: Error & { code?: string; reason?: string }): ApiError {
  // llhttp uses one code for another version and for a request line that ends in a bare LF.
  if (error.reason === 'Expected CRLF after version') return new ApiError('malformed_request')
  return new ApiError(PARSER_ERRORS[error.code ?? ''] ?? 'malformed_request')
}

/** Whether the answer to what came on this socket was an error that the parser reported. */
export function isRefused(socket: Socket): boolean {
  return refused.has(socket)
}

/**
 * Answers on the bare socket and closes it: for what never became a request. Answers to whole requests that came
 * before it on the connection go out first. `answered` is told the request id; not where nobody listens any more, or
 * the answer to the same request has begun.
 */
export function refuseOnSocket(
  socket: Socket,
  error: ApiError,
  answered: (requestId: string) => void,
): void {
  if (reported.has(socket)) return
  reported.add(socket)
  afterWhole(socket, (answer) => {
    if (answer?.writableEnded) answer.once('close', () => socket.end())
    // It goes out as far as it can, and stays visibly incomplete.
    else if (answer?.headersSent) socket.destroySoon()
    else answered(sendProblem(socket, error))
  })
}

/** Closes a connection without an answer, once all whole requests that came before on it have theirs. */
export function closeInTurn(socket: Socket): void {
  afterWhole(socket, () => socket.destroySoon())
}

/** Goes on when no answer to a whole request is due, with the one under way to a request that broke off, if any. */
function afterWhole(socket: Socket, next: (answer: ServerResponse | null) => void): void {
  const answer = answerUnderWay(socket) ?? null
  if (!socket.writable) socket.destroy()
  else if (answer?.req.complete) answer.once('close', () => afterWhole(socket, next))
  else next(answer)
}

function sendProblem(socket: Socket, error: ApiError): string {
  refused.add(socket)
  setTimeout(() => socket.destroy(), CLOSE_WITHIN).unref()
  const id = requestId(undefined)
  const body = JSON.stringify(error.problem(id))
  socket.end(
    `HTTP/1.1 ${error.status} ${error.code}\r\n` +
      'Content-Type: application/problem+json\r\n' +
      `Content-Length: ${Buffer.byteLength(body)}\r\n` +
      `X-Request-ID: ${id}\r\n` +
      Object.entries(SECURITY_HEADERS)
        .map(([name, value]) => `${name}: ${value}\r\n`)
        .join('') +
      'Connection: close\r\n\r\n' +
      body,
  )
  return id
}

/** The answer that Node is sending on a socket (lib/_http_server.js; it has no public name). */
function answerUnderWay(socket: Socket & { _httpMessage?: ServerResponse | null }) {
  return socket._httpMessage
}
