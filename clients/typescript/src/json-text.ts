import type { JsonValue } from './json.ts'

/** Why a text is not acceptable JSON. The message never repeats the text. */
export class JsonTextError extends Error {
  override readonly name = 'JsonTextError'
  /** Where in the text, in UTF-16 code units from 0. */
  readonly offset: number
  /** The rule that the text breaks although it is JSON; null if it is no JSON. */
  readonly rule: string | null

  constructor(why: string, offset: number, rule: string | null = null) {
    super(`${why} (at character ${offset + 1})`)
    this.offset = offset
    this.rule = rule
  }
}

/** Where the value of a member stands in a text: from `start` up to, not including, `end`. */
export interface Span {
  start: number
  end: number
}

/** What a text must be beside JSON that says the same to every reader. */
interface Rules {
  isCanonical: boolean
  /** How deep values may be nested; the outermost is level 1. */
  levels: number
  /** How many values there may be. */
  values: number
  allowsNul: boolean
}

const ANY: Rules = {
  isCanonical: false,
  levels: 128,
  values: Number.POSITIVE_INFINITY,
  allowsNul: true,
}
const CANONICAL: Rules = { ...ANY, isCanonical: true }
/** No body may hold as many values, and each takes memory. The levels are those of a member. */
const LINE: Rules = { isCanonical: false, levels: 64, values: 1_000_000, allowsNul: false }
/** What the details of a line may be where the rest of the line takes up to a hundred values. */
const DETAILS: Rules = { ...LINE, isCanonical: true, values: LINE.values - 100 }

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y
/** Ends a run of characters that stand for themselves: a quote, a backslash or a control character. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON refuses exactly these (RFC 8259 §7)
const SPECIAL = /["\\\u0000-\u001f]/g

/**
 * Parses JSON that every reader understands alike: an object that has a name twice, a lone surrogate,
 * a number that overflows and more than 128 levels are refused, which `JSON.parse` lets through.
 *
 * `text` may come from anybody. Throws {@link JsonTextError}.
 */
export function parseJson(text: string): JsonValue {
  new Reader(text, ANY).whole()
  return JSON.parse(text) as JsonValue
}

/**
 * Whether a text is the canonical form (RFC 8785) of the value that it holds. Nothing is built for
 * it, so a text of any size takes no memory but its own.
 */
export function isCanonicalJson(text: string): boolean {
  return isWhole(text, CANONICAL)
}

/** Whether a text is that, and nothing in it would keep `membersOf` from taking a line around it. */
export function isCanonicalInLine(text: string): boolean {
  return isWhole(text, DETAILS)
}

function isWhole(text: string, rules: Rules): boolean {
  try {
    new Reader(text, rules).whole()
    return true
  } catch (error) {
    if (error instanceof JsonTextError) return false
    throw error
  }
}

/**
 * The members of the object that a line of an export holds, as places in the text. Refused are also U+0000,
 * members nested deeper than 64 levels, and more than a million values, so that a hostile line takes no more
 * memory than a long one. Throws {@link JsonTextError}.
 */
export function membersOf(text: string): Map<string, Span> {
  return new Reader(text, LINE).members()
}

class Reader {
  readonly #text: string
  readonly #rules: Rules
  #at = 0
  #values = 0

  constructor(text: string, rules: Rules) {
    this.#text = text
    this.#rules = rules
  }

  whole(): void {
    this.#space()
    this.#value(this.#rules.levels)
    this.#end()
  }

  members(): Map<string, Span> {
    this.#space()
    if (this.#text[this.#at] !== '{') this.#forbid('a line is not a JSON object')
    const spans = new Map<string, Span>()
    this.#object(this.#rules.levels + 1, spans)
    this.#end()
    return spans
  }

  #end(): void {
    this.#space()
    if (this.#at < this.#text.length) this.#refuse('something follows the value')
  }

  #value(levels: number): void {
    const c = this.#text[this.#at]
    if (c === '{') this.#object(levels, null)
    else if (c === '[') this.#array(levels)
    else if (c === '"') this.#string()
    else if (c === 't') this.#word('true')
    else if (c === 'f') this.#word('false')
    else if (c === 'n') this.#word('null')
    else this.#number()
  }

  #object(levels: number, spans: Map<string, Span> | null): void {
    this.#enter(levels)
    if (this.#closes('}')) return
    const { isCanonical } = this.#rules
    // Sorted names cannot repeat, so canonical text needs no set of the names before.
    const names = isCanonical ? null : new Set<string>()
    let before: string | null = null
    do {
      this.#space()
      const start = this.#at
      if (this.#text[start] !== '"') this.#refuse('a member name is missing')
      const name = this.#string()
      if (isCanonical && before !== null && name <= before) {
        this.#refuse('the members are not in order', start)
      }
      if (names && names.size === names.add(name).size) {
        this.#forbid('an object holds a name twice', start)
      }
      before = name
      this.#space()
      this.#word(':')
      this.#space()
      const from = this.#at
      this.#value(levels - 1)
      spans?.set(name, { start: from, end: this.#at })
    } while (!this.#closes('}', true))
  }

  #array(levels: number): void {
    this.#enter(levels)
    if (this.#closes(']')) return
    do {
      this.#space()
      this.#value(levels - 1)
    } while (!this.#closes(']', true))
  }

  #enter(levels: number): void {
    if (levels === 0) {
      this.#forbid(`a value is nested deeper than ${this.#rules.levels} levels`)
    }
    this.#count()
    this.#at++
  }

  /** Counts each container and each comma: no fewer than there are values. */
  #count(): void {
    const { values } = this.#rules
    if (++this.#values > values) this.#forbid(`a line holds more than ${values} values`)
  }

  /** Whether the container ends here. Behind a value (`orComma`) a comma says that it does not. */
  #closes(bracket: string, orComma = false): boolean {
    this.#space()
    const c = this.#text[this.#at]
    if (c === bracket || (orComma && c === ',')) {
      if (c === ',') this.#count()
      this.#at++
      return c === bracket
    }
    if (orComma) this.#refuse(`"," or "${bracket}" is missing`)
    return false
  }

  #space(): void {
    const start = this.#at
    for (;;) {
      const c = this.#text.charCodeAt(this.#at)
      if (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09) break
      this.#at++
    }
    if (this.#rules.isCanonical && this.#at > start)
      this.#refuse('canonical JSON has no white space')
  }

  #word(word: string): void {
    if (!this.#text.startsWith(word, this.#at)) this.#refuse('the text is not JSON')
    this.#at += word.length
  }

  /** Reads a string and returns what it says. */
  #string(): string {
    const text = this.#text
    const start = this.#at
    let escaped = false
    let at = start + 1
    for (;;) {
      SPECIAL.lastIndex = at
      const end = SPECIAL.exec(text)?.index ?? text.length
      if (text[end] === '"') {
        at = end + 1
        break
      }
      if (text[end] !== '\\') this.#refuse('a string does not end, or holds a control character')
      escaped = true
      at = end + 2
    }
    this.#at = at
    const value = escaped ? this.#unescaped(start, at) : text.slice(start + 1, at - 1)
    if (!value.isWellFormed()) this.#forbid('a text holds half of a surrogate pair', start)
    if (!this.#rules.allowsNul && value.includes('\u0000')) {
      this.#forbid('a text holds U+0000', start)
    }
    return value
  }

  #unescaped(start: number, end: number): string {
    const token = this.#text.slice(start, end)
    let value: string
    try {
      value = JSON.parse(token) as string
    } catch {
      this.#refuse('a string holds an escape that JSON does not know', start)
    }
    if (this.#rules.isCanonical && JSON.stringify(value) !== token) {
      this.#refuse('a string is escaped in another way than canonical JSON wants', start)
    }
    return value
  }

  #number(): void {
    NUMBER.lastIndex = this.#at
    const token = NUMBER.exec(this.#text)?.[0] ?? this.#refuse('the text is not JSON')
    const value = Number(token)
    if (!Number.isFinite(value)) this.#forbid('a number is out of range')
    if (this.#rules.isCanonical && JSON.stringify(value) !== token) {
      this.#refuse('a number is written in another way than canonical JSON wants')
    }
    this.#at += token.length
  }

  #refuse(why: string, offset: number = this.#at): never {
    throw new JsonTextError(why, offset)
  }

  /** Refuses what is JSON all the same. */
  #forbid(rule: string, offset: number = this.#at): never {
    throw new JsonTextError(rule, offset, rule)
  }
}
