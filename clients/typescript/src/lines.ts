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
  const lines = new LineSplitter(maxBytes)
  for await (const chunk of chunks) {
    yield* lines.push(chunk)
    if (lines.isOver) return
  }
  yield* lines.end()
}

/** The same for whoever has the chunks at hand: `push` gives the lines that a chunk completes. */
export class LineSplitter {
  /** Whether a line was too long: what follows it is not read any more. */
  isOver = false
  readonly #maxBytes: number
  readonly #utf8 = new TextEncoder()
  /** What there is of the line that is not complete. */
  #parts: Uint8Array[] = []
  #size = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  *push(chunk: Uint8Array | string): Generator<Line, void> {
    const bytes = typeof chunk === 'string' ? this.#utf8.encode(chunk) : chunk
    let start = 0
    while (start < bytes.length && !this.isOver) {
      const found = bytes.indexOf(LF, start)
      const end = found === -1 ? bytes.length : found
      this.#parts.push(bytes.subarray(start, end))
      this.#size += end - start
      if (this.#size > this.#maxBytes) {
        this.isOver = true
        const fault = `a line is longer than ${this.#maxBytes} bytes`
        yield { text: beginningOf(this.#parts), fault, isCut: false }
        return
      }
      start = end + 1
      if (found !== -1) yield this.#line(false)
    }
  }

  /** The last line, if it does not end in LF. */
  *end(): Generator<Line, void> {
    if (this.#size > 0 && !this.isOver) yield this.#line(true)
  }

  #line(isCut: boolean): Line {
    const parts = this.#parts
    this.#parts = []
    this.#size = 0
    return lineOf(parts, isCut)
  }
}

// `ignoreBOM` keeps a byte order mark in the text, where it is no JSON.
const whole = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function lineOf(parts: readonly Uint8Array[], isCut: boolean): Line {
  try {
    const [only] = parts
    return { text: parts.length === 1 ? whole.decode(only) : joined(parts), fault: null, isCut }
  } catch {
    return { text: beginningOf(parts), fault: NOT_JSON, isCut }
  }
}

function joined(parts: readonly Uint8Array[]): string {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  let text = ''
  for (const part of parts) text += decoder.decode(part, { stream: true })
  return text + decoder.decode()
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
