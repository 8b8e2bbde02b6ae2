import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net'
import type { TestContext } from 'node:test'
import type { Problem } from '@ai-governance/common/errors'
import { freePort } from '@ai-governance/infra/local/ports'
import { type AppOptions, buildApp } from '../src/app.ts'
import type { Config } from '../src/config.ts'
import { LIMITS, type Limits } from '../src/limits.ts'

/** A request as a service behind the gateway received it. */
export interface Received {
  method: string
  target: string
  /** Names in lower case; a name that came twice has an array. */
  headers: Record<string, string | string[] | undefined>
  rawHeaders: string[]
  body: Buffer
}

export interface Recorder {
  port: number
  url: string
  received: Received[]
}

const answerOk: RequestListener = (_request, response) => {
  const body = '{"from":"service"}'
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length })
  response.end(body)
}

/** A real HTTP server in the place of a service, which remembers every request that reaches it. */
export async function startRecorder(
  t: TestContext,
  answer: RequestListener = answerOk,
): Promise<Recorder> {
  const received: Received[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { method = '', url = '', headers, rawHeaders } = request
      received.push({ method, target: url, headers, rawHeaders, body: Buffer.concat(chunks) })
      answer(request, response)
    })
  })
  const port = await listenOn(server)
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return { port, url: `http://127.0.0.1:${port}`, received }
}

/** A bare TCP server in the place of a service; `onRequest` is called with the first bytes of each connection. */
export async function startBareService(
  t: TestContext,
  onRequest: (socket: import('node:net').Socket) => void,
): Promise<{ url: string; connections: number }> {
  const state = { url: '', connections: 0 }
  const sockets = new Set<import('node:net').Socket>()
  const server = createTcpServer((socket) => {
    state.connections++
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('data', () => onRequest(socket))
  })
  state.url = `http://127.0.0.1:${await listenOn(server)}`
  t.after(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return state
}

export interface Gateway {
  port: number
  url: string
  app: Awaited<ReturnType<typeof buildApp>>
}

/** How callers show who they are, and how their calls are signed; nothing of both where it is left out. */
export type Callers = Pick<Config, 'auth' | 'rateLimits' | 'identitySecretPath'>

/** The gateway in front of `services`, on a port of its own. */
export async function startGateway(
  t: TestContext,
  services: Record<string, string>,
  limits: Partial<Limits> = {},
  allowedHosts: string[] = [],
  callers: Partial<Callers> = {},
  options: AppOptions = {},
): Promise<Gateway> {
  const port = await freePort()
  const app = buildApp(
    {
      host: '127.0.0.1',
      port,
      metricsPort: undefined,
      logLevel: 'silent',
      ports: [port],
      allowedHosts,
      directory: new Map(Object.entries(services)),
      auth: { mode: 'none' },
      rateLimits: { perKey: null, perAddress: null },
      identitySecretPath: undefined,
      ...callers,
    },
    { ...LIMITS, ...limits },
    options,
  )
  await app.listen({ host: '127.0.0.1', port })
  t.after(() => {
    app.server.closeAllConnections()
    return app.close()
  })
  return { port, url: `http://127.0.0.1:${port}`, app }
}

/** A gateway before one recorder, which stands for all three services. */
export async function startPair(
  t: TestContext,
  answer?: RequestListener,
  limits: Partial<Limits> = {},
): Promise<{ gateway: Gateway; recorder: Recorder }> {
  const recorder = await startRecorder(t, answer)
  const names = ['mcp-lineage', 'mcp-policy', 'mcp-audit']
  const services = Object.fromEntries(names.map((name) => [name, recorder.url]))
  return { gateway: await startGateway(t, services, limits), recorder }
}

export interface Answer {
  status: number
  headers: Record<string, string>
  body: string
  /** Whether the connection was closed after it, within the time given. */
  closed: boolean
}

/** How long a raw exchange may take before the test fails, in ms. Nothing is asserted about time. */
const PATIENCE = 8_000

/**
 * Sends bytes over a socket and reads the first answer. Waits for the close of the connection where
 * `untilClosed` says so. An answer of status 0 stands for a connection that was closed without one.
 */
export function sendRaw(
  port: number,
  bytes: string | Buffer,
  { untilClosed = false } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = []
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
    const timer = setTimeout(() => {
      socket.destroy()
      reject(new Error(`no complete answer: ${Buffer.concat(chunks).toString('latin1')}`))
    }, PATIENCE)
    const done = (closed: boolean) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(parseAnswer(Buffer.concat(chunks).toString('latin1'), closed))
    }
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      if (!untilClosed && isWhole(Buffer.concat(chunks).toString('latin1'))) done(false)
    })
    socket.on('error', () => {})
    socket.on('close', () => done(true))
  })
}

function isWhole(text: string): boolean {
  const end = text.indexOf('\r\n\r\n')
  const length = /\r\ncontent-length: (\d+)\r\n/i.exec(text)
  return end !== -1 && length !== null && text.length >= end + 4 + Number(length[1])
}

function parseAnswer(text: string, closed: boolean): Answer {
  const end = text.indexOf('\r\n\r\n')
  const [statusLine = '', ...lines] = text.slice(0, end === -1 ? 0 : end).split('\r\n')
  const headers: Record<string, string> = {}
  for (const line of lines) {
    const colon = line.indexOf(':')
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim()
  }
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(statusLine)?.[1] ?? 0)
  return { status, headers, body: end === -1 ? '' : text.slice(end + 4), closed }
}

/** The bytes of a request with a right Host header for `port`. */
export function requestBytes(
  port: number,
  line: string,
  headers: string[] = [],
  body = '',
): string {
  const head = [line, `Host: 127.0.0.1:${port}`, ...headers]
  return `${head.join('\r\n')}\r\n\r\n${body}`
}

export function getBytes(port: number, target: string, headers: string[] = []): string {
  return requestBytes(port, `GET ${target} HTTP/1.1`, headers)
}

export function postBytes(
  port: number,
  target: string,
  body: string | Buffer,
  headers: string[] = ['Content-Type: application/json'],
): Buffer {
  const length = `Content-Length: ${Buffer.byteLength(body)}`
  const head = requestBytes(port, `POST ${target} HTTP/1.1`, [...headers, length])
  return Buffer.concat([Buffer.from(head, 'latin1'), Buffer.from(body)])
}

/** Every refusal has the same shape: problem details, a request id, the security headers. */
export function assertRefused(answer: Answer, status: number, code: string): Problem {
  assert.equal(answer.status, status, answer.body)
  assert.equal(answer.headers['content-type'], 'application/problem+json')
  const problem = JSON.parse(answer.body) as Problem
  assert.equal(problem.code, code)
  assert.equal(problem.status, status)
  assert.equal(problem.request_id, answer.headers['x-request-id'])
  assert.match(problem.request_id, /^[A-Za-z0-9._-]{1,64}$/)
  assert.equal(answer.headers['x-content-type-options'], 'nosniff')
  assert.equal(answer.headers['x-frame-options'], 'DENY')
  assert.ok(answer.headers['content-security-policy']?.includes("default-src 'none'"))
  return problem
}

async function listenOn(server: import('node:net').Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}
