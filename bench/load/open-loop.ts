// A load that does not wait: requests leave at a constant rate, whether those before were answered or not, and their
// time is counted from the moment at which they should have left. (A load that waits for its answers slows down
// with the server, and so hides how late everybody would have been.)
//
// A process of its own; it reads an `OpenLoop` as JSON from standard input, tells an `OpenLoopResult` and ends.
import { connect, type Socket } from 'node:net'
import { text as readAll } from 'node:stream/consumers'
import { quantile } from '../report/figures.ts'
import { AnswerReader } from './answer-reader.ts'

export interface OpenLoop {
  port: number
  /** The texts of requests, sent in turn. */
  requests: string[]
  /** Requests a second. */
  rate: number
  seconds: number
  /** At most so many under way; one more is not sent, and counted. */
  connections: number
}

export interface OpenLoopResult {
  /** Requests that were due. */
  due: number
  /** Answers by status; `unsent` and `lost` beside them. */
  answers: Record<string, number>
  /** 200 a second, of those alone that were answered within `seconds`. */
  goodput: number
  /** Within how many ms half and 99 % of those with 200 were answered; and 99 % of the others. */
  p50: number
  p99: number
  refusedP99: number
}

interface Connection {
  socket: Socket
  dueAt: number
  reader: AnswerReader
}

/** What is due sooner is waited for awake. */
const LEAST_SLEEP_MS = 2

const options: OpenLoop = JSON.parse(await readAll(process.stdin))
const { port, requests, rate, seconds, connections } = options
const answers: Record<string, number> = {}
const taken: number[] = []
const refused: number[] = []
let within = 0
let endsAt = Number.POSITIVE_INFINITY
const free: Connection[] = []
let open = 0
let underWay = 0

const count = (what: string) => {
  answers[what] = (answers[what] ?? 0) + 1
}

function onText(connection: Connection, chunk: string): void {
  const answer = connection.reader.push(chunk)
  if (!answer) return
  const { status } = answer
  count(status)
  const now = performance.now()
  const ms = now - connection.dueAt
  if (status === '200') {
    taken.push(ms)
    if (now <= endsAt) within++
  } else refused.push(ms)
  connection.dueAt = 0
  underWay--
  if (answer.closes) connection.socket.destroy()
  else free.push(connection)
}

function openOne(): Connection {
  open++
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  const connection: Connection = { socket, dueAt: 0, reader: new AnswerReader() }
  socket.setEncoding('latin1')
  socket.on('data', (chunk) => onText(connection, String(chunk)))
  socket.on('error', () => {})
  socket.on('close', () => {
    open--
    const at = free.indexOf(connection)
    if (at !== -1) free.splice(at, 1)
    if (connection.dueAt === 0) return
    underWay--
    count('lost')
  })
  return connection
}

function send(dueAt: number, request: string): void {
  const connection = free.pop() ?? (open < connections ? openOne() : null)
  if (!connection) {
    count('unsent')
    return
  }
  underWay++
  connection.dueAt = dueAt
  connection.socket.write(request)
}

for (let n = 0; n < Math.min(64, connections); n++) free.push(openOne())
await new Promise((resolve) => setTimeout(resolve, 100))
const startedAt = performance.now()
endsAt = startedAt + 1_000 * seconds
const due = Math.round(rate * seconds)
for (let sent = 0; sent < due; ) {
  const now = performance.now()
  while (sent < due && startedAt + (sent * 1_000) / rate <= now) {
    send(startedAt + (sent * 1_000) / rate, requests[sent % requests.length] as string)
    sent++
  }
  // A core that is watched for the next request is none for the server; but timers are no more exact than about a millisecond.
  const waitMs = startedAt + (sent * 1_000) / rate - performance.now()
  if (waitMs > LEAST_SLEEP_MS) {
    await new Promise((resolve) => setTimeout(resolve, Math.floor(waitMs) - 1))
  } else await new Promise((resolve) => setImmediate(resolve))
}
const endedAt = performance.now()
while (underWay > 0 && performance.now() - endedAt < 5_000) {
  await new Promise((resolve) => setTimeout(resolve, 5))
}
const result: OpenLoopResult = {
  due,
  answers,
  goodput: within / seconds,
  p50: quantile(taken, 0.5),
  p99: quantile(taken, 0.99),
  refusedP99: quantile(refused, 0.99),
}
process.send?.(result, () => process.exit(0))
