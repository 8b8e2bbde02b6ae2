import type { IncomingHttpHeaders } from 'undici/types/header.d.ts'

/** The largest answer that is held back, in bytes. */
const MAX_BYTES = 4_096

/** A 503 of a service, held back until it is known whether it is for the caller or leads to another replica. */
export class Refusal {
  readonly headers: IncomingHttpHeaders
  readonly chunks: Buffer[] = []

  constructor(headers: IncomingHttpHeaders) {
    this.headers = headers
  }

  /** Whether an answer is such a one. */
  static fits(status: number, headers: IncomingHttpHeaders): boolean {
    return status === 503 && Number(headers['content-length']) <= MAX_BYTES
  }

  /** Whether the service says that it is stopping, which it says before it has done anything. */
  get isStopping(): boolean {
    try {
      return JSON.parse(Buffer.concat(this.chunks).toString()).code === 'stopping'
    } catch {
      return false
    }
  }
}
