/**
 * A line without its end. `fault` says why it cannot be read: it is too long, or not UTF-8; `text` is then
 * only how it begins.
 */
export interface Line {
  text: string
  fault: string | null
  /** Whether the text stopped within the line: it is the last one and has no LF. */
  isCut: boolean
}

export const NOT_JSON = 'a line is not JSON in UTF-8'

const LF = 0x0a
/** How much of a line that cannot be read is kept, in bytes. */
const BEGINNING = 64

/**
 * The lines of a text that comes in chunks. No more than `maxBytes` of a line are kept: what follows a
 * line that is too long is not read any more. The last line need not end in LF; an empty one there is none.
 */
export async function* linesOf(
  chunks: AsyncIterable<Uint8Array | string>,
  maxBytes: number,
): AsyncGenerator<Line> {
  const utf8 = new TextEncoder()
  let parts: Uint8Array[] = []
  let size = 0
  for await (const chunk of chunks) {
    const bytes = typeof chunk === 'string' ? utf8.encode(chunk) : chunk
    let start = 0
    while (start < bytes.length) {
      const found = bytes.indexOf(LF, start)
      const end = found === -1 ? bytes.length : found
      parts.push(bytes.subarray(start, end))
      size += end - start
      if (size > maxBytes) {
        const fault = `a line is longer than ${maxBytes} bytes`
        yield { text: beginningOf(parts), fault, isCut: false }
        return
      }
      start = end + 1
      if (found === -1) break
      yield lineOf(parts, false)
      parts = []
      size = 0
    }
  }
  if (size > 0) yield lineOf(parts, true)
}

function lineOf(parts: readonly Uint8Array[], isCut: boolean): Line {
  // `ignoreBOM` keeps a byte order mark in the text, where it is no JSON.
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  let text = ''
  try {
    for (const part of parts) text += decoder.decode(part, { stream: true })
    return { text: text + decoder.decode(), fault: null, isCut }
  } catch {
    return { text: beginningOf(parts), fault: NOT_JSON, isCut }
  }
}

function beginningOf(parts: readonly Uint8Array[]): string {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  let text = ''
  for (const part of parts) {
    text += decoder.decode(part.subarray(0, BEGINNING), { stream: true })
    if (text.length >= BEGINNING) break
  }
  return text
}
