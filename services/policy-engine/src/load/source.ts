import type { Place } from './load-problem.ts'

/** The text of a file and what is needed to tell the line and column of an offset in it. */
export interface Source {
  readonly text: string
  readonly lineStarts: readonly number[]
}

/** A byte order mark, which some editors put at the start of a file, is not part of the text. */
export function sourceOf(content: string): Source {
  const text = content.startsWith('\uFEFF') ? content.slice(1) : content
  const lineStarts = [0]
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) {
    lineStarts.push(at + 1)
  }
  return { text, lineStarts }
}

export function placeOf(source: Source, offset: number): Place {
  let low = 0
  let high = source.lineStarts.length - 1
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (source.lineStarts[middle]! <= offset) low = middle
    else high = middle - 1
  }
  return { line: low + 1, column: offset - source.lineStarts[low]! + 1 }
}
