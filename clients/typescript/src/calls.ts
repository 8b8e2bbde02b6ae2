import { readBytes, readJson, readText } from './answer.ts'
import { GovernanceError } from './errors.ts'
import { AN_OBJECT, type Expected } from './expected.ts'
import { streamBytes } from './export-stream.ts'
import type { Ready } from './gateway-types.ts'
import type { JsonValue } from './json.ts'
import type { Call, CallOptions, KeyedOptions, QueryValue, Transport } from './transport.ts'

/** Larger than any note, key or tile. */
const MAX_SMALL_BYTES = 1_048_576

export type Query = Readonly<Record<string, QueryValue>>

/** The calls of one service: `prefix` is `/mcp-audit` and so on, empty for the gateway itself. */
export class Calls {
  readonly #transport: Transport
  readonly #prefix: string

  constructor(transport: Transport, prefix: string) {
    this.#transport = transport
    this.#prefix = prefix
  }

  /** A call that only reads. The answer must be a JSON object. */
  get<T>(path: string, query: Query, options?: CallOptions): Promise<T> {
    return this.#value({ method: 'GET', path, query, effect: 'reads' }, AN_OBJECT, options)
  }

  /** A call that only reads a text. */
  text(path: string, query: Query, options: CallOptions = {}): Promise<string> {
    const call = this.#under({ method: 'GET', path, query, effect: 'reads' })
    return this.#transport.call(call, options, (response) => readText(response, MAX_SMALL_BYTES))
  }

  /** A call with a body that changes nothing: sent again like a GET. */
  ask<T>(path: string, body: unknown, expected: Expected, options?: CallOptions): Promise<T> {
    const call = { method: 'POST', path, body: body as JsonValue, effect: 'reads' } as const
    return this.#value(call, expected, options)
  }

  /**
   * A call that changes something: sent again only where nothing was changed. With another answer than
   * the expected one nobody knows what was.
   */
  change<T>(path: string, body: unknown, expected: Expected, options?: CallOptions): Promise<T> {
    const call = { method: 'POST', path, body: body as JsonValue, effect: 'writes' } as const
    return this.#value(call, expected, options)
  }

  /** A call that changes something once, however often it is sent: it goes out under a key. */
  changeOnce<T>(
    path: string,
    body: unknown,
    expected: Expected,
    options: KeyedOptions = {},
    query: Query = {},
  ): Promise<T> {
    const { idempotencyKey } = options
    const call = { method: 'POST', path, query, effect: 'keyed', idempotencyKey } as const
    return this.#value({ ...call, body: body as JsonValue }, expected, options)
  }

  /** Whether a service lives or is ready. Not sent again: that it is not ready is an answer. */
  probe(path: string, options?: CallOptions): Promise<Ready> {
    return this.#value({ method: 'GET', path, effect: 'reads', retried: false }, AN_OBJECT, options)
  }

  /** The bytes of an answer of any size, at the pace of whoever reads them. */
  bytes(
    path: string,
    query: Query,
    options: CallOptions = {},
  ): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    const call = this.#under({ method: 'GET', path, query, effect: 'reads' })
    return streamBytes(this.#transport, call, options)
  }

  /** The bytes of a small answer. */
  binary(path: string, options: CallOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
    const call = this.#under({ method: 'GET', path, effect: 'reads' })
    return this.#transport.call(call, options, (response) => readBytes(response, MAX_SMALL_BYTES))
  }

  /** A page of an array, and the query of the next one; `next` is null on the last. */
  page<T>(path: string, query: Query, options: CallOptions = {}): Promise<Page<T>> {
    const call = this.#under({ method: 'GET', path, query, effect: 'reads' })
    return this.#transport.call(call, options, async (response) => {
      const items = await readJson(response)
      if (!Array.isArray(items)) throw unexpected('an array', response.status)
      return { items: items as T[], next: nextQuery(response.headers.get('link')) }
    })
  }

  /** Everything that matches, page by page, each fetched when it is needed. */
  async *all<T>(path: string, query: Query, options: CallOptions = {}): AsyncGenerator<T> {
    const seen = new Set<string>()
    let next: Query | null = query
    while (next) {
      seen.add(JSON.stringify(next))
      const page: Page<T> = await this.page(path, next, options)
      yield* page.items
      // Else the loop would never end.
      if (page.next && (page.items.length === 0 || seen.has(JSON.stringify(page.next)))) {
        throw new GovernanceError('invalid_answer', 'the next page brings nothing new.')
      }
      next = page.next
    }
  }

  /** The same call under this service's prefix. */
  #under(call: Call): Call {
    return { ...call, path: this.#prefix + call.path }
  }

  #value<T>(call: Call, { what, fits }: Expected, options: CallOptions = {}): Promise<T> {
    return this.#transport.call(this.#under(call), options, async (response) => {
      const value = await readJson(response)
      if (!fits(value)) throw unexpected(what, response.status)
      return value as T
    })
  }
}

export interface Page<T> {
  items: T[]
  /** What to ask for the next page with; null on the last one. */
  next: Query | null
}

/** One part of a path. `.` and `..` and what holds `/`, `%`, `;` or `\` cannot travel in one. */
export function segment(text: string): string {
  if (text === '' || text.includes('..') || text === '.' || /[/%;\\]/.test(text)) {
    const detail = 'this id cannot travel in a path; use the method that sends it in the query.'
    throw new GovernanceError('invalid_argument', detail)
  }
  try {
    return encodeURIComponent(text)
  } catch (cause) {
    throw new GovernanceError('invalid_argument', 'the id is not well-formed text.', { cause })
  }
}

/** An id as it travels. Beyond 2^53−1 a number may stand for another one. */
export function idText(id: number): string {
  if (Number.isSafeInteger(id) && id >= 1) return String(id)
  throw new GovernanceError('invalid_argument', 'an id is a whole number from 1 to 2^53-1.')
}

/**
 * The query of the page that a `Link` header (RFC 8288) names as the next. Only its query counts: the
 * path is the one that was called, so that no answer can send the caller, and its token, elsewhere.
 */
function nextQuery(header: string | null): Query | null {
  const link = header && /<([^>]*)>\s*;\s*rel="?next"?/.exec(header)?.[1]
  if (!link) return null
  const mark = link.indexOf('?')
  return Object.fromEntries(new URLSearchParams(mark === -1 ? '' : link.slice(mark)))
}

function unexpected(what: string, status: number): GovernanceError {
  return new GovernanceError('invalid_answer', `the answer is not ${what}.`, { status })
}
