/** A line without its end; `text` is null where it is too long or not UTF-8, and `fault` says which. */
export interface Line {
  text: string | null
  fault: string | null
}

const LF = 0x0a

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
        yield { text: null, fault: `the line is longer than ${maxBytes} bytes` }
        return
      }
      start = end + 1
      if (found === -1) break
      yield lineOf(parts)
      parts = []
      size = 0
    }
  }
  if (size > 0) yield lineOf(parts)
}

function lineOf(parts: readonly Uint8Array[]): Line {
  // `ignoreBOM` keeps a byte order mark in the text, where it is no JSON.
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  let text = ''
  try {
    for (const part of parts) text += decoder.decode(part, { stream: true })
    return { text: text + decoder.decode(), fault: null }
  } catch {
    return { text: null, fault: 'the line is not valid UTF-8' }
  }
}
