import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { WitnessRefusal } from '../witness.ts'
import type { Witness } from './witness-service.ts'

/** A note of 64 KiB, 63 hashes, and the size. */
const MAX_BODY_BYTES = 65_536 + 64 * 64
const MAX_CONNECTIONS = 200
const TEXT_TYPE = 'text/plain; charset=utf-8'

interface Answer {
  status: number
  type: string
  body: string
  headers?: Record<string, string>
}

/** The HTTP of a witness: `POST /add-checkpoint` and nothing else. It does not listen yet. */
export function createWitnessServer(witness: Witness): Server {
  const limits = {
    maxHeaderSize: 8_192,
    headersTimeout: 5_000,
    requestTimeout: 10_000,
    keepAliveTimeout: 60_000,
    connectionsCheckingInterval: 1_000,
  }
  const server = createServer(limits, (request, response) => {
    // Whoever breaks off gets no answer.
    request.on('error', () => {})
    void answerTo(request, witness).then((answer) => send(response, answer))
  })
  server.maxConnections = MAX_CONNECTIONS
  // A socket on which nothing moves.
  server.setTimeout(65_000)
  return server
}

async function answerTo(request: IncomingMessage, witness: Witness): Promise<Answer> {
  if (request.url !== '/add-checkpoint') return refusal(404, 'there is only /add-checkpoint')
  if (request.method !== 'POST') {
    return { ...refusal(405, 'a checkpoint is sent by POST'), headers: { allow: 'POST' } }
  }
  const bytes = await readBody(request)
  if (!bytes) {
    const close = { connection: 'close' }
    return { ...refusal(413, `a body has at most ${MAX_BODY_BYTES} bytes`), headers: close }
  }
  const body = decode(bytes)
  if (body === null) return refusal(400, 'the body is not UTF-8')
  try {
    return { status: 200, type: TEXT_TYPE, body: await witness.cosign(body) }
  } catch (error) {
    if (!(error instanceof WitnessRefusal))
      return refusal(500, 'the witness cannot keep its record')
    const { status, message, seenSize } = error
    if (seenSize === null) return refusal(status, message)
    return { status, type: 'text/x.tlog.size', body: `${seenSize}\n` }
  }
}

function refusal(status: number, reason: string): Answer {
  return { status, type: TEXT_TYPE, body: `${reason}\n` }
}

/** Null where it is too large, or broke off. */
async function readBody(request: IncomingMessage): Promise<Buffer | null> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    // Destroyed with the rest of the body unread, the request would take its answer with it.
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      bytes += (chunk as Buffer).length
      if (bytes > MAX_BODY_BYTES) return null
      chunks.push(chunk as Buffer)
    }
  } catch {
    return null
  }
  return Buffer.concat(chunks)
}

function decode(bytes: Buffer): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return null
  }
}

function send(response: ServerResponse, { status, type, body, headers }: Answer): void {
  if (response.destroyed) return
  response
    .writeHead(status, {
      'content-type': type,
      'content-length': Buffer.byteLength(body),
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      ...headers,
    })
    .end(body)
}
