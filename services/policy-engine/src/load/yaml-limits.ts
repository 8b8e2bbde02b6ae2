import { CST, Lexer, Parser } from 'yaml'
import type { Report } from './load-problem.ts'
import { placeOf, type Source } from './source.ts'

const MAX_BYTES = 256 * 1024
const MAX_KEYS = 1000
const MAX_DEPTH = 32
/**
 * 1,000 keys with all their values take some 20,000 tokens; a file of nothing but punctuation would
 * have 260,000 and take half a gigabyte to read; with these many it is below 100 MiB.
 */
const MAX_TOKENS = 49_152
/** Of each piece that belongs nowhere the composer makes an error with a stack trace: 2 s at worst. */
const MAX_STRAYS = 100

/**
 * What must not be in a policy: control characters, which YAML 1.2 §5.1 does not allow either, and
 * the marks that reorder text on a reviewer's screen (CVE-2021-42574).
 */
export const BAD_CHARACTER =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u0084\u0086-\u009f\u202a-\u202e\u2066-\u2069\ufeff]/

/**
 * Refuses a file that is too large or uses YAML that a policy has no need of, before any tree of it
 * is built: the composer of `yaml` compares each key with all others of its map and follows nesting
 * by recursion, while its lexer and parser are linear.
 *
 * Attacker-controlled: the whole text. Returns whether the text is safe to compose; whatever is
 * wrong has been reported.
 */
export function withinLimits(source: Source, report: Report): boolean {
  const start = { line: 1, column: 1 }
  if (Buffer.byteLength(source.text) > MAX_BYTES) {
    report(start, 'too_large', `the file is larger than ${MAX_BYTES} bytes; split it into layers`)
    return false
  }
  const bad = BAD_CHARACTER.exec(source.text)
  if (bad) {
    const code = bad[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')
    report(placeOf(source, bad.index), 'bad_character', `remove the invisible character U+${code}`)
    return false
  }
  const documents = parseGuarded(source, report)
  return documents !== null && fewEnoughKeys(source, documents, report)
}

/** Feeds the parser token by token and stops where there is too much of it. */
function parseGuarded(source: Source, report: Report): CST.Token[] | null {
  const parser = new Parser()
  const tokens: CST.Token[] = []
  let offset = 0
  let count = 0
  let clean = true
  let isScalar = false
  for (const lexeme of new Lexer().lex(source.text)) {
    const forbidden = forbiddenFeature(lexeme, isScalar)
    if (forbidden) {
      report(placeOf(source, offset), 'yaml_feature', forbidden)
      clean = false
    }
    for (const token of parser.next(lexeme)) tokens.push(token)
    if (collectionDepth(parser.stack) > MAX_DEPTH) {
      report(placeOf(source, offset), 'too_deep', `nested more than ${MAX_DEPTH} levels deep`)
      return null
    }
    if (++count > MAX_TOKENS) {
      report(placeOf(source, offset), 'too_large', `more than ${MAX_TOKENS} YAML tokens; split it`)
      return null
    }
    isScalar = lexeme === CST.SCALAR
    // These three stand for a state of the lexer and have no width in the text.
    const isMark = lexeme === CST.DOCUMENT || lexeme === CST.FLOW_END || isScalar
    if (!isMark) offset += lexeme.length
  }
  for (const token of parser.end()) tokens.push(token)
  return clean && isOneDocument(source, tokens, report) ? tokens : null
}

function isOneDocument(source: Source, tokens: readonly CST.Token[], report: Report): boolean {
  const second = tokens.filter(({ type }) => type === 'document')[1]
  if (second) {
    report(placeOf(source, second.offset), 'yaml_feature', 'one file holds one YAML document')
    return false
  }
  const strays = tokens.filter(({ type }) => type === 'error')
  if (strays.length < MAX_STRAYS) return true
  const [first] = strays
  report(placeOf(source, first!.offset), 'yaml_syntax', 'this does not belong to the document')
  return false
}

function forbiddenFeature(lexeme: string, isScalar: boolean): string | null {
  if (isScalar) return lexeme === '<<' ? 'merge keys are not allowed; write the keys out' : null
  switch (CST.tokenType(lexeme)) {
    case 'anchor':
      return 'anchors are not allowed; write the value out where it is needed'
    case 'alias':
      return 'aliases are not allowed; write the value out, or quote a text that starts with *'
    case 'tag':
      return 'tags are not allowed; quote a text that starts with !'
    case 'directive-line':
      return 'directives are not allowed; remove the line that starts with %'
    default:
      return null
  }
}

/** How many collections are open; the stack also holds the document and perhaps a scalar. */
function collectionDepth(stack: readonly CST.Token[]): number {
  return stack.length - 1 - (CST.isCollection(stack.at(-1)) ? 0 : 1)
}

function fewEnoughKeys(source: Source, tokens: readonly CST.Token[], report: Report): boolean {
  let keys = 0
  const count = (token: CST.Token | null | undefined): boolean => {
    if (token?.type === 'document') return count(token.value)
    if (!CST.isCollection(token)) return true
    const isMap =
      token.type === 'block-map' ||
      (token.type === 'flow-collection' && token.start.type === 'flow-map-start')
    for (const item of token.items) {
      if ((isMap || item.sep) && ++keys > MAX_KEYS) {
        const at = item.key?.offset ?? item.start[0]?.offset ?? token.offset
        report(placeOf(source, at), 'too_many_keys', `more than ${MAX_KEYS} keys; split the file`)
        return false
      }
      if (!count(item.key) || !count(item.value)) return false
    }
    return true
  }
  return tokens.every(count)
}
