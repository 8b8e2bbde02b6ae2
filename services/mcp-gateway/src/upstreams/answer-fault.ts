import type { IncomingHttpHeaders } from 'undici/types/header.d.ts'

/** Why an answer is not passed on; null if it is. `headers` come from a service, which may be broken. */
export function answerFault(
  status: number,
  headers: IncomingHttpHeaders,
  maxBytes: number,
): Error | null {
  if (status >= 300 && status < 400) return new Error(`the service redirects (${status})`)
  // It is about the gateway: the caller's own credentials were judged here, and are right.
  if (status === 401) return new Error('the service does not accept the identity of the gateway')
  if (status > 599) return new Error(`the service answers with status ${status}`)
  // Our services say what went wrong in problem details, without a message from inside. What comes in
  // another form comes from somewhere deeper, and may hold anything.
  const type = headers['content-type']
  if (status >= 500 && !(typeof type === 'string' && type.startsWith('application/problem+json'))) {
    return new Error(`the service answers ${status} without problem details`)
  }
  const tooLong = Number(headers['content-length'] ?? 0) > maxBytes
  return tooLong ? new Error('the answer is too long') : null
}
