// A load of callers who wait: each sends its requests one after the other and the next only when it has the answer before,
// as `ClosedLoop` says, and begins again. A process of its own; it reads a `ClosedLoop` as JSON from standard input, tells a
// `ClosedLoopResult` and ends.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { text as readAll } from 'node:stream/consumers'
import { quantile } from '../report/figures.ts'
import { AnswerReader } from './answer-reader.ts'
import type { RequestText } from './request-text.ts'

export interface ClosedLoop {
  /** Runs of requests; callers take them in turn. A run counts as one, from its first byte to its last answer. */
  runs: RequestText[][]
  connections: number
  seconds: number
}

export interface ClosedLoopResult {
  /** Runs a second of which every answer was 200. */
  rate: number
  /** Within how many µs 99 % of them were done. */
  p99: number
  /** How many runs had another answer, and what the first of those was. */
  failed: number
  failure: string | null
}

/** A connection of one caller to one port. */
interface Line {
  ask(text: string): Promise<string>
  /** Whether the server has said that it closes the connection with the last answer: some do after so many requests. */
  isClosing: boolean
  end(): void
}

const { runs, connections, seconds }: ClosedLoop = JSON.parse(await readAll(process.stdin))
const times: number[] = []
let failed = 0
let failure: string | null = null
let next = 0
const startedAt = performance.now()
const endsAt = startedAt + 1_000 * seconds

async function openLine(port: number): Promise<Line> {
  const socket: Socket = connect({ port, host: '127.0.0.1', noDelay: true })
  socket.setEncoding('latin1')
  await once(socket, 'connect')
  const reader = new AnswerReader()
  let settle: { resolve(status: string): void; reject(error: Error): void } | null = null
  socket.on('data', (chunk) => {
    const answer = reader.push(String(chunk))
    if (!answer) return
    line.isClosing = answer.closes
    settle?.resolve(answer.status)
  })
  const lost = () => settle?.reject(new Error(`port ${port} closed a connection`))
  socket.on('error', lost).on('close', lost)
  const line: Line = {
    isClosing: false,
    ask: (text) =>
      new Promise((resolve, reject) => {
        settle = { resolve, reject }
        socket.write(text)
      }),
    end: () => {
      settle = null
      socket.destroy()
    },
  }
  return line
}

async function call(): Promise<void> {
  const lines = new Map<number, Line>()
  const open = async (port: number): Promise<Line> => {
    lines.get(port)?.end()
    const line = await openLine(port)
    lines.set(port, line)
    return line
  }
  for (const { port } of runs[0] ?? []) if (!lines.has(port)) await open(port)
  while (performance.now() < endsAt) {
    const run = runs[next++ % runs.length] as RequestText[]
    const from = performance.now()
    let refused: string | null = null
    for (const { port, text } of run) {
      const line = lines.get(port)
      const status = await (line && !line.isClosing ? line : await open(port)).ask(text)
      if (status !== '200') refused = status
    }
    if (refused === null) times.push(1_000 * (performance.now() - from))
    else {
      failed++
      failure ??= refused
    }
  }
  for (const line of lines.values()) line.end()
}

await Promise.all(Array.from({ length: connections }, call))
const result: ClosedLoopResult = {
  rate: (1_000 * times.length) / (performance.now() - startedAt),
  p99: quantile(times, 0.99),
  failed,
  failure,
}
process.send?.(result, () => process.exit(0))
