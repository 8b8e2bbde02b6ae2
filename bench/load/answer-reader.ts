/** Reads answers off a socket whose text is latin1: it needs their status and their end, and nothing else. */
export class AnswerReader {
  #text = ''

  /** The answer that is complete now, or null; there is never more than one, since no request leaves before it. */
  push(chunk: string): { status: string; closes: boolean } | null {
    this.#text += chunk
    const end = this.#text.indexOf('\r\n\r\n')
    if (end === -1) return null
    const head = this.#text.slice(0, end + 2)
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1])
    if (Number.isNaN(length)) throw new Error(`an answer without its length:\n${head}`)
    if (this.#text.length < end + 4 + length) return null
    this.#text = ''
    return { status: head.slice(9, 12), closes: /\r\nconnection: close/i.test(head) }
  }
}
