import { execFile, fork } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { ClosedLoop, ClosedLoopResult } from './closed-loop.ts'
import type { OpenLoop, OpenLoopResult } from './open-loop.ts'
import { type Call, requestText } from './request-text.ts'

const run = promisify(execFile)
const here = import.meta.dirname

/** What a load of callers found who wait for each answer. */
export interface Measured {
  /** Answers a second. */
  rate: number
  /** Within how many µs 99 % were answered, counted from when they were sent. */
  p99: number
}

export type Load = (
  call: Call | readonly Call[],
  options: { connections: number; seconds: number },
) => Promise<Measured>

/**
 * A load of callers who wait for each answer, taking `call`s in turn; it throws where one is answered other than 2xx.
 * It is wrk where wrk is installed, which costs least of a machine that subject and load share, else the bench's own.
 */
export function makeLoad(wrk: string | undefined, folder: string): Load {
  return (call, options) => {
    const calls = 'url' in call ? [call] : call
    return wrk
      ? wrkLoad(wrk, folder, calls, options)
      : closedLoop({ runs: calls.map((one) => [requestText(one)]), ...options })
  }
}

async function wrkLoad(
  wrk: string,
  folder: string,
  calls: readonly Call[],
  { connections, seconds }: { connections: number; seconds: number },
): Promise<Measured> {
  const script = join(folder, 'wrk.lua')
  writeFileSync(script, wrkScript(calls))
  const url = (calls[0] as Call).url
  const options = ['-t1', `-c${connections}`, `-d${seconds}`, '--latency', '-s', script, url]
  const { stdout } = await run(wrk, options)
  if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(`requests failed:\n${stdout}`)
  const [, value, unit] = /99%\s+([\d.]+)(us|ms|s)/.exec(stdout) ?? []
  const scale = { us: 1, ms: 1_000, s: 1_000_000 }[unit ?? 'us'] as number
  return { rate: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]), p99: Number(value) * scale }
}

/** Requests are written out before the clock runs: making them is no part of the load. They are ASCII, whose JSON is Lua too. */
function wrkScript(calls: readonly Call[]): string {
  const texts = calls.map((call) => `  ${JSON.stringify(requestText(call).text)},\n`)
  return `local requests = {\n${texts.join('')}}
local at = 0
request = function()
  at = at % #requests + 1
  return requests[at]
end
`
}

/** The bench's own load of callers who wait; throws where a request is answered other than 200. */
export async function closedLoop(options: ClosedLoop): Promise<Measured> {
  const result = await told<ClosedLoopResult>('closed-loop.ts', options)
  if (result.failed > 0) {
    throw new Error(`${result.failed} requests failed, the first with ${result.failure}`)
  }
  return result
}

/** Requests at a constant rate, whether those before were answered or not; `started` is told the process. */
export function openLoop(
  options: OpenLoop,
  started: (pid: number) => void = () => {},
): Promise<OpenLoopResult> {
  return told('open-loop.ts', options, started)
}

/** Starts a load as a process of its own, and resolves with what it tells. */
async function told<T>(
  program: string,
  options: object,
  started: (pid: number) => void = () => {},
): Promise<T> {
  const child = fork(join(here, program), [], { stdio: ['pipe', 'inherit', 'inherit', 'ipc'] })
  started(child.pid as number)
  child.stdin?.end(JSON.stringify(options))
  const said = once(child, 'message')
  const ended = once(child, 'exit').then(([code]): never => {
    throw new Error(`${program} ended with ${code} and told nothing`)
  })
  ended.catch(() => {})
  const [result] = await Promise.race([said, ended])
  return result
}
