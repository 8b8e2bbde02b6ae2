import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** Longer than the gateway lets a request take, in ms. */
const PATIENCE = 30_000

export interface RawOptions {
  port: number
  bytes: Buffer | string
  /** The address that it comes from: who shows wrong credentials is told apart by it. */
  from: string
  /** The sender closes its side behind the bytes. */
  ends?: boolean
  /** The sender goes away so many ms after the bytes, whatever was answered. */
  leavesAfter?: number
  /** How many answers to wait for. */
  answers?: number
}

/** Sends bytes and tells what was answered, in order: statuses with their codes; `closed` where no answer came. */
export function sendRaw(options: RawOptions): Promise<string[]> {
  const { port, bytes, from, ends = false, leavesAfter, answers = 1 } = options
  const left = new AbortController()
  return new Promise((resolve) => {
    let text = ''
    const socket = connect({ port, host: '127.0.0.1', localAddress: from, allowHalfOpen: true })
    const finish = (told: string[]) => {
      left.abort()
      socket.destroy()
      resolve(told)
    }
    const told = () => {
      const outcomes = outcomesIn(text)
      return outcomes.length > 0 ? outcomes : ['closed']
    }
    socket.setEncoding('latin1')
    socket.on('data', (chunk) => {
      text += chunk
      if (leavesAfter === undefined && outcomesIn(text).length >= answers) finish(told())
    })
    // A reset comes where the gateway closes on bytes that it has not read; what it had said counts.
    socket.on('error', () => {})
    socket.on('end', () => finish(told())).on('close', () => finish(told()))
    if (ends) socket.end(bytes)
    else socket.write(bytes)
    const wait = sleep(leavesAfter ?? PATIENCE, null, { signal: left.signal })
    wait.then(
      () => finish(leavesAfter === undefined ? ['hangs'] : ['left']),
      () => {},
    )
  })
}

/** The answers in a text whose heads are there; an answer inside the body of another would be counted, and none is. */
function outcomesIn(text: string): string[] {
  const heads =
    /HTTP\/1\.1 ([2-5]\d\d) [^\r]*\r\n(?:[^\r]+\r\n)*\r\n(?:\{"type":"about:blank".*?"code":"(\w+)")?/g
  return [...text.matchAll(heads)].map(([, status, code]) =>
    code === undefined ? String(status) : `${status} ${code}`,
  )
}
