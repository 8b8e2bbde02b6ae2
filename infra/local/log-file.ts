import { existsSync, mkdirSync, readFileSync, renameSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

/** Keeps the log of the previous run beside the new one, as `<file>.1`. */
export function beginLog(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  if (existsSync(file)) renameSync(file, `${file}.1`)
}

/** Bytes in the file now, 0 when there is none. */
export function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0
}

/** What was written to the file from a byte on. */
export function readFrom(file: string, from: number): string {
  return existsSync(file) ? readFileSync(file).subarray(from).toString('utf8') : ''
}

const mostLines = 6

/**
 * What a program said for a person before it ended: its last plain lines, without the frames of a stack
 * trace; else the message of its last log line of level error or fatal.
 */
export function lastWords(output: string): string | undefined {
  const lines = output.split('\n').filter((line) => line.trim() !== '')
  const plain = lines.filter(
    (line) => !line.startsWith('{') && !/^(\s|\}|Node\.js v|file:\/\/|node:)/.test(line),
  )
  if (plain.length > 0) return plain.slice(-mostLines).join('\n')
  for (const line of lines.toReversed()) {
    const entry = tryParse(line)
    if (entry && (entry.level === 'error' || entry.level === 'fatal')) {
      return [entry.msg, entry.err?.message].filter(Boolean).join(': ')
    }
  }
  return undefined
}

function tryParse(
  line: string,
): { level?: unknown; msg?: string; err?: { message?: string } } | undefined {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
