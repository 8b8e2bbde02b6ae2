import { Pool } from 'undici'

/** What a witness answered. */
export interface WitnessAnswer {
  status: number
  /** Media type as it was sent. */
  type: string
  text: string
}

/** Of an answer more than this is not read. */
const MAX_ANSWER_BYTES = 65_536

/** The connection to one witness. It follows no redirect and reads no proxy variable. */
export class WitnessClient {
  readonly #pool: Pool
  readonly #path: string
  readonly #timeoutMs: number

  /** `url` is that of add-checkpoint; `timeoutMs` is for a call as a whole. */
  constructor(url: URL, timeoutMs: number) {
    this.#pool = new Pool(url.origin, {
      connections: 1,
      pipelining: 1,
      allowH2: false,
      connect: { timeout: timeoutMs },
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      maxResponseSize: MAX_ANSWER_BYTES,
    })
    this.#path = url.pathname
    this.#timeoutMs = timeoutMs
  }

  /** Sends the body of add-checkpoint. Rejects where there is no whole answer in time, and on `signal`. */
  async send(body: string, signal: AbortSignal): Promise<WitnessAnswer> {
    const answer = await this.#pool.request({
      method: 'POST',
      path: this.#path,
      headers: { 'content-type': 'text/plain; charset=utf-8' },
      body,
      signal: AbortSignal.any([signal, AbortSignal.timeout(this.#timeoutMs)]),
    })
    const type = answer.headers['content-type']
    return {
      status: answer.statusCode,
      type: typeof type === 'string' ? type : '',
      text: await answer.body.text(),
    }
  }

  async close(): Promise<void> {
    await this.#pool.destroy()
  }
}
