import { isUtf8 } from 'node:buffer'
import type { JsonValue } from './canonical-json.ts'

/** Values in a body: objects, arrays and scalars each count one; member names do not. */
export const DEFAULT_MAX_VALUES = 10_000
/** Nesting of a body; the outermost value is at depth 1. */
export const MAX_DEPTH = 64

/**
 * How many values, names not counted, and how many bytes of source each element of a list in the outermost
 * object may have, and how many elements there may be: of `{"events":[…]}` the events. Scalars there are
 * counted among all values alone.
 */
export interface ElementLimits {
  values: number
  bytes: number
  count: number
}

/** How many containers are open where such an element starts. */
const ELEMENT_LEVEL = 2

/** Why a text is refused. `message` is safe to show: it never repeats the text. */
export class StrictJsonError extends Error {
  constructor(why: string, offset?: number) {
    super(offset === undefined ? why : `${why} (at character ${offset})`)
    this.name = 'StrictJsonError'
  }
}

const QUOTE = 0x22
const BACKSLASH = 0x5c

/**
 * Parses JSON that can be hashed and stored without two readers seeing different things: I-JSON
 * (RFC 7493) that PostgreSQL text can hold. Refused besides malformed JSON: invalid UTF-8, a byte order
 * mark, duplicate names (also when one is escaped), lone surrogates, U+0000, numbers that overflow,
 * integers beyond ±(2^53−1), nesting deeper than 64, more than `maxValues` values, and the member names
 * with which JavaScript programs have been attacked (`__proto__`, `constructor` holding `prototype`).
 *
 * `bytes` is attacker-controlled. Throws {@link StrictJsonError}.
 */
export function parseStrictJson(bytes: Buffer, maxValues: number = DEFAULT_MAX_VALUES): JsonValue {
  return readStrictJson(bytes, maxValues).value
}

/** Like {@link parseStrictJson}, with limits of elements where there are some; also says how many values it met. */
export function readStrictJson(
  bytes: Buffer,
  maxValues: number,
  elements: ElementLimits | null = null,
): { value: JsonValue; values: number } {
  if (!isUtf8(bytes)) throw new StrictJsonError('the text is not valid UTF-8')
  const text = bytes.toString('utf8')
  if (text.charCodeAt(0) === 0xfeff)
    throw new StrictJsonError('a byte order mark is not allowed', 0)
  let value: JsonValue
  try {
    value = JSON.parse(text)
  } catch {
    throw new StrictJsonError('the text is not JSON')
  }
  return { value, values: new Scanner(text, maxValues, elements).scan() }
}

/**
 * A second reading of text that `JSON.parse` has accepted, for what it silently lets through. Because
 * the syntax is known to be right, each character class can be skipped without checking it again.
 */
class Scanner {
  readonly #text: string
  readonly #maxValues: number
  readonly #elements: ElementLimits | null
  #at = 0
  #values = 0
  #elementCount = 0
  /** Where the element that is being read starts, and how many values there were before it. */
  #elementAt = 0
  #valuesBefore = 0
  /** One element per open container: the names of an object, or null for an array. */
  readonly #open: (Names | null)[] = []

  constructor(text: string, maxValues: number, elements: ElementLimits | null) {
    this.#text = text
    this.#maxValues = maxValues
    this.#elements = elements
  }

  /** Throws what is wrong, else returns how many values there are. */
  scan(): number {
    const text = this.#text
    while (this.#at < text.length) {
      const start = this.#at
      switch (text.charCodeAt(start)) {
        case QUOTE:
          this.#skipString()
          if (this.#isName()) this.#name(start)
          else this.#countValue(start)
          break
        case 0x7b: // {
          this.#countValue(start)
          this.#enter(new Names(this.#open.at(-1)?.last === 'constructor'))
          break
        case 0x5b: // [
          this.#countValue(start)
          this.#enter(null)
          break
        case 0x7d: // }
        case 0x5d: // ]
          this.#leave()
          break
        case 0x74: // true
        case 0x6e: // null
          this.#countValue(start)
          this.#at += 4
          break
        case 0x66: // false
          this.#countValue(start)
          this.#at += 5
          break
        case 0x2c: // ,
        case 0x3a: // :
        case 0x20:
        case 0x09:
        case 0x0a:
        case 0x0d:
          this.#at++
          break
        default:
          this.#countValue(start)
          this.#number()
      }
    }
    return this.#values
  }

  #refuse(why: string, offset: number): never {
    throw new StrictJsonError(why, offset)
  }

  #countValue(offset: number): void {
    if (++this.#values > this.#maxValues) {
      this.#refuse(`more than ${this.#maxValues} values`, offset)
    }
  }

  #enter(names: Names | null): void {
    if (this.#open.length === ELEMENT_LEVEL) {
      this.#elementAt = this.#at
      this.#valuesBefore = this.#values - 1
    }
    this.#open.push(names)
    if (this.#open.length > MAX_DEPTH) this.#refuse(`nested deeper than ${MAX_DEPTH}`, this.#at)
    this.#at++
  }

  #leave(): void {
    this.#open.pop()
    this.#at++
    if (this.#elements && this.#open.length === ELEMENT_LEVEL) this.#checkElement(this.#elements)
  }

  #checkElement(limits: ElementLimits): void {
    const start = this.#elementAt
    if (++this.#elementCount > limits.count) this.#refuse(`more than ${limits.count} events`, start)
    if (this.#values - this.#valuesBefore > limits.values) {
      this.#refuse(`an event with more than ${limits.values} values`, start)
    }
    // A character of this text is one to three bytes long.
    const isLarge =
      (this.#at - start) * 3 > limits.bytes &&
      Buffer.byteLength(this.#text.slice(start, this.#at)) > limits.bytes
    if (isLarge) this.#refuse(`an event of more than ${limits.bytes} bytes`, start)
  }

  /** Whether the string that was just read is a member name: a colon follows. */
  #isName(): boolean {
    if (!this.#open.at(-1)) return false
    const text = this.#text
    let i = this.#at
    for (;;) {
      const c = text.charCodeAt(i)
      if (c === 0x3a) return true
      if (c !== 0x20 && c !== 0x09 && c !== 0x0a && c !== 0x0d) return false
      i++
    }
  }

  #name(start: number): void {
    const raw = this.#text.slice(start + 1, this.#at - 1)
    const name = raw.includes('\\') ? (JSON.parse(`"${raw}"`) as string) : raw
    const names = this.#open.at(-1) as Names
    if (name === '__proto__') this.#refuse('the member name "__proto__" is not allowed', start)
    if (name === 'prototype' && names.ofConstructor) {
      this.#refuse('a member "constructor" may not hold "prototype"', start)
    }
    if (!names.add(name)) this.#refuse('an object has the same name twice', start)
  }

  #skipString(): void {
    const text = this.#text
    let i = this.#at + 1
    for (;;) {
      const c = text.charCodeAt(i)
      if (c === QUOTE) break
      i = c === BACKSLASH ? this.#skipEscape(i) : i + 1
    }
    this.#at = i + 1
  }

  /** Returns the offset behind the escape (a surrogate pair counts as one) that starts at `offset`. */
  #skipEscape(offset: number): number {
    if (this.#text.charCodeAt(offset + 1) !== 0x75) return offset + 2
    const unit = this.#codeUnit(offset)
    if (unit === 0) this.#refuse('U+0000 is not allowed', offset)
    if (unit < 0xd800 || unit > 0xdfff) return offset + 6
    const low =
      unit < 0xdc00 && this.#text.startsWith('\\u', offset + 6) && this.#codeUnit(offset + 6)
    if (low === false || low < 0xdc00 || low > 0xdfff) {
      this.#refuse('a lone surrogate is not allowed', offset)
    }
    return offset + 12
  }

  #codeUnit(offset: number): number {
    return Number.parseInt(this.#text.slice(offset + 2, offset + 6), 16)
  }

  #number(): void {
    const text = this.#text
    const start = this.#at
    let integer = true
    let i = start
    for (; i < text.length; i++) {
      const c = text.charCodeAt(i)
      if (c === 0x2e || c === 0x65 || c === 0x45)
        integer = false // . e E
      else if ((c < 0x30 || c > 0x39) && c !== 0x2d && c !== 0x2b) break // digits - +
    }
    this.#at = i
    // 15 digits are always within 2^53−1, and without an exponent no number overflows that early.
    if (integer && i - start <= 15) return
    const value = Number(text.slice(start, i))
    if (!Number.isFinite(value)) this.#refuse('a number is too large', start)
    if (integer && !Number.isSafeInteger(value)) {
      this.#refuse('an integer is beyond 2^53-1: send it as a string', start)
    }
  }
}

/** The member names of one open object. A set costs more than it saves for the few names of most objects. */
class Names {
  readonly ofConstructor: boolean
  last = ''
  readonly #few: string[] = []
  #many: Set<string> | null = null

  constructor(ofConstructor: boolean) {
    this.ofConstructor = ofConstructor
  }

  /** Adds a name; false if it is there already. */
  add(name: string): boolean {
    this.last = name
    if (this.#many) {
      const before = this.#many.size
      return this.#many.add(name).size > before
    }
    if (this.#few.includes(name)) return false
    if (this.#few.push(name) > 8) this.#many = new Set(this.#few)
    return true
  }
}
