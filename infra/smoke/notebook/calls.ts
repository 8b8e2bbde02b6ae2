import { Failure } from '../../failure.ts'

/** One HTTP request as a block writes it, with `<name>` wherever the value of a variable goes. */
export interface HttpCall {
  method: string
  /** Path and query, behind the gateway's address. */
  target: string
  contentType: string | null
  /** The body as JSON; undefined without one. */
  body: unknown
  /** The file that the answer goes to. */
  savedTo: string | null
}

/** What a block does that another language has to do as well. */
export interface Doings {
  calls: HttpCall[]
  /** The `aigov` commands, as words. */
  commands: string[][]
  /** Every JSON text that stands in the block as a whole, be it a body or the content of a file. */
  documents: unknown[]
}

/** The texts that variables hold, by name: a session keeps them from block to block. */
export type Texts = Map<string, string>

/** A text in which variables stand, with `<name>` in their place: `$name`, in a shell and in PowerShell. */
export function named(text: string): string {
  return text.replaceAll(/\$(\w+)/g, '<$1>')
}

/** The path and query of an address that begins with `$gateway`. */
export function targetOf(address: string): string {
  const target = /^\$gateway(\/.*)$/.exec(address)?.[1]
  if (target === undefined) throw new Failure(`The address "${address}" must begin with $gateway/.`)
  return named(target)
}

/**
 * The value of a body in which variables stand, also where a whole value is a variable.
 *
 * @throws Failure if it is not JSON, or not in ASCII: PowerShell before 7.4 sends every other character as
 *   ISO-8859-1 where the content type names no charset
 */
export function bodyOf(text: string): unknown {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII
  if (!/^[\x00-\x7f]*$/.test(text)) throw new Failure(`A body must be in ASCII: ${text}`)
  const plain = text.replaceAll(/"(?:[^"\\]|\\.)*"|\$\w+/g, (token) =>
    token.startsWith('"') ? named(token) : `"${named(token)}"`,
  )
  try {
    return JSON.parse(plain)
  } catch (error) {
    throw new Failure(`A body is not JSON (${(error as Error).message}): ${text}`)
  }
}

/** The words of a command, as far as `word` matches. Sticky; its groups are a word with and without its quotes. */
export function wordsOf(command: string, word: RegExp): string[] {
  const words: string[] = []
  for (let at = 0; ; at = word.lastIndex) {
    while (command[at] === ' ') at++
    word.lastIndex = at
    const found = word.exec(command)
    if (!found) return words
    words.push((found[1] ?? found[2] ?? found[3]) as string)
  }
}
