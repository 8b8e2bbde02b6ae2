import assert from 'node:assert/strict'
import { connect } from 'node:net'
import type { Sample } from './corpus.ts'
import { type Answer, assertRefused } from './harness.ts'

/** How long to wait for an answer before a sample counts as failed, in ms. Nothing is asserted about time. */
const PATIENCE = 20_000
/** Sent behind a request that leaves the connection usable: a probe, which reaches no service. */
const NEXT = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'

interface Exchange {
  /** Those of status 1xx are left out. */
  answers: Answer[]
  /** Whether there was a `100 Continue`. */
  continued: boolean
}

/**
 * Sends a sample to a gateway on 127.0.0.1 and asserts the whole of what it promises, but for what reaches a
 * service: the answer, that there is only one, and that the connection ends or carries another request.
 * `status` is what is expected in the place of `expect.status` where the services are not the real ones.
 * Resolves to the answer, where there was to be one.
 */
export async function assertAnswered(
  port: number,
  one: Sample,
  status: number = one.expect.status,
): Promise<Answer | undefined> {
  const { expect } = one
  const { answers, continued } = await exchange(port, one)
  const [answer, next] = answers
  assert.equal(continued, expect.continues ?? false, '100 Continue')
  if (expect.closes || one.ends) assert.equal(answers.length, expect.status === 0 ? 0 : 1)
  else assert.equal(next?.status, 200, 'the connection cannot be used again')
  if (expect.status === 0) return undefined
  assert.ok(answer, 'no answer')
  assert.equal(answer.status, status, answer.body)
  if (expect.allow) assert.equal(answer.headers.allow, expect.allow)
  if (status < 400) assert.match(answer.headers['x-request-id'] ?? '', /^[A-Za-z0-9._-]{1,64}$/)
  else if (!isHead(one, port)) assertRefused(answer, status, expect.code as string)
  return answer
}

function isHead(one: Sample, port: number): boolean {
  return one.bytes(port).subarray(0, 5).toString() === 'HEAD '
}

/** Sends a sample and, where the connection survives it, one more request; waits for the end of the connection. */
function exchange(port: number, one: Sample): Promise<Exchange> {
  const bytes = one.bytes(port)
  const toHead = isHead(one, port)
  const followed = !one.expect.closes && !one.ends
  let text = ''
  let sent = false
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    const timer = setTimeout(() => {
      socket.destroy()
      reject(new Error(`the connection does not end: ${JSON.stringify(text.slice(0, 500))}`))
    }, PATIENCE)
    const finish = () => {
      clearTimeout(timer)
      socket.destroy()
      resolve(readAnswers(text, toHead))
    }
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      if (!followed || sent || readAnswers(text, toHead).answers.length === 0) return
      sent = true
      socket.write(NEXT)
    })
    // A reset comes where the gateway closes on bytes that it has not read; what it had said counts.
    socket.on('error', () => {})
    socket.on('end', finish).on('close', finish)
    if (one.ends) socket.end(bytes)
    else socket.write(bytes)
  })
}

/** The whole answers in a text of Latin-1; the first one has no body where it is `toHead`. */
function readAnswers(text: string, toHead: boolean): Exchange {
  const answers: Answer[] = []
  let continued = false
  let at = 0
  for (;;) {
    const end = text.indexOf('\r\n\r\n', at)
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(text.slice(at, at + 13))?.[1])
    if (end === -1 || Number.isNaN(status)) return { answers, continued }
    if (status < 200) {
      continued = true
      at = end + 4
      continue
    }
    const headers = readFields(text.slice(at, end))
    const hasBody = !(toHead && answers.length === 0)
    const length = hasBody ? Number(headers['content-length'] ?? 0) : 0
    at = end + 4 + length
    if (text.length < at) return { answers, continued }
    answers.push({ status, headers, body: text.slice(end + 4, at), closed: false })
  }
}

function readFields(head: string): Record<string, string> {
  const [, ...lines] = head.split('\r\n')
  return Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
    }),
  )
}
