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

const mostLines = 12

/**
 * What a program said for a person before it ended: the first lines of its last plain block, without the
 * frames of a stack trace; else the message of its last log line of level error or fatal.
 */
export function lastWords(output: string): string | undefined {
  const lines = output.split('\n')
  const block = plainBlocks(lines).at(-1)
  if (block) {
    const more = block.length - mostLines - 1
    // The first line is the heading of the others.
    if (more <= 0) return block.join('\n')
    return [...block.slice(0, mostLines + 1), `… and ${more} more, see the log`].join('\n')
  }
  for (const line of lines.toReversed()) {
    const entry = tryParse(line)
    if (entry && (entry.level === 'error' || entry.level === 'fatal')) {
      return [entry.msg, entry.err?.message].filter(Boolean).join(': ')
    }
  }
  return undefined
}

/** How Node begins the excerpt of the source above a stack trace, and its last line. */
const nodesFrame = /^(file:\/\/|node:|\/.*:\d+$|Node\.js v)/
const nodesWarning = /^\(node:\d+\) |^\(Use `/
const stackFrame = /^\s+at /

/** Lines between blank ones and log lines, without what Node adds; after a stack frame come no more words. */
function plainBlocks(lines: readonly string[]): string[][] {
  const blocks: string[][] = [[]]
  for (const line of lines) {
    if (line.trim() === '' || line.startsWith('{"')) blocks.push([])
    else if (!nodesWarning.test(line)) blocks.at(-1)?.push(line)
  }
  return blocks
    .filter(([first]) => first !== undefined && !nodesFrame.test(first))
    .map((block) => {
      const trace = block.findIndex((line) => stackFrame.test(line))
      return trace === -1 ? block : block.slice(0, trace)
    })
    .filter((block) => block.length > 0)
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
