import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'

/** Lines of these levels say that something is wrong. */
const LEVELS = ['error', 'fatal']
/** Messages of that level for which this run gives a reason. */
const EXPLAINED: readonly [message: string, why: string][] = [
  [
    'API_KEYS_PATH is not usable, the keys before stay in force',
    'a broken file was put there on purpose',
  ],
  ['changed policies are refused', 'a broken policy was put there on purpose'],
]

export interface LoggedErrors {
  /** How often each message came that has a reason. */
  explained: Record<string, number>
  /** The others, with the line of the first. */
  others: Record<string, { times: number; line: string }>
}

/** Reads the log of a service, line by line: it may be large. */
export async function errorsIn(logFile: string): Promise<LoggedErrors> {
  const errors: LoggedErrors = { explained: {}, others: {} }
  for await (const line of createInterface({ input: createReadStream(logFile) })) {
    takeLine(errors, line)
  }
  return errors
}

/** Takes one line into account; what is no JSON comes from Node itself, as a crash does. */
export function takeLine(errors: LoggedErrors, line: string): void {
  const { level, msg } = read(line)
  if (!LEVELS.includes(level)) return
  if (EXPLAINED.some(([message]) => message === msg)) {
    errors.explained[msg] = (errors.explained[msg] ?? 0) + 1
    return
  }
  const known = errors.others[msg]
  if (known) known.times++
  else errors.others[msg] = { times: 1, line: line.slice(0, 500) }
}

function read(line: string): { level: string; msg: string } {
  if (line.trim() === '') return { level: '', msg: '' }
  try {
    const { level, msg } = JSON.parse(line)
    return { level: String(level), msg: String(msg) }
  } catch {
    return { level: 'error', msg: 'no line of a log' }
  }
}
