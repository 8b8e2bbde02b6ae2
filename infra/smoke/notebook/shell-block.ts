import { Failure } from '../../failure.ts'
import {
  bodyOf,
  type Doings,
  type HttpCall,
  named,
  type Texts,
  targetOf,
  wordsOf,
} from './calls.ts'

/** Options of curl that the page uses, and whether a value follows. */
const OPTIONS: Readonly<Record<string, boolean>> = {
  '-s': false,
  '-S': false,
  '-sS': false,
  '-w': true,
  '-H': true,
  '-d': true,
  '-o': true,
}

/** A word: in single quotes, in double quotes, or bare up to what ends a command. */
const WORD = /'([^']*)'|"([^"]*)"|([^\s'")|>]+)/y

/**
 * What an `sh` block does, for the forms that the page uses: `curl` with {@link OPTIONS}, a body as a text, a
 * variable or a here-document (`-d @- <<JSON`), `name=$(cat <<JSON`, and `aigov …` at the start of a line.
 *
 * @param texts what variables hold from the blocks before; gets what this one sets
 * @throws Failure for a form that is none of these, rather than overlook a request
 */
export function readShellBlock(code: string, texts: Texts): Doings {
  const doings: Doings = { calls: [], commands: [], documents: [] }
  for (const { line, document } of linesOf(code)) {
    if (document !== null) doings.documents.push(bodyOf(document))
    const assigned = /^(\w+)=\$\(cat <<JSON$/.exec(line)?.[1]
    if (assigned && document !== null) texts.set(assigned, document)
    const curls = line.match(/\bcurl\b/g)?.length ?? 0
    const at = /^(?:\w+=\$\()?curl (.*)$/.exec(line)?.[1]
    if (curls !== (at === undefined ? 0 : 1)) throw new Failure(`Not a known form of curl: ${line}`)
    if (at !== undefined) doings.calls.push(readCurl(wordsOf(at, WORD), document, texts))
    if (line.startsWith('aigov ')) doings.commands.push(wordsOf(line, WORD).map(named))
  }
  return doings
}

/** The lines of a block, each with the here-document that it opens. */
function linesOf(code: string): { line: string; document: string | null }[] {
  const lines: { line: string; document: string | null }[] = []
  const pattern = /^(.*<<JSON)\n([\s\S]*?)^JSON$|^(.*)$/gm
  for (const [, opening, document = '', plain = ''] of code.matchAll(pattern)) {
    lines.push(opening ? { line: opening, document } : { line: plain, document: null })
  }
  return lines
}

function readCurl(words: readonly string[], document: string | null, texts: Texts): HttpCall {
  const given = new Map<string, string>()
  const addresses: string[] = []
  for (let i = 0; i < words.length; i++) {
    const word = words[i] as string
    if (word === '<<JSON') continue
    if (!word.startsWith('-')) addresses.push(word)
    else if (OPTIONS[word] === undefined) throw new Failure(`Not a known option of curl: ${word}`)
    else if (OPTIONS[word]) given.set(word, words[++i] ?? '')
  }
  const [address, ...more] = addresses
  if (address === undefined || more.length > 0) throw new Failure(`One address: ${words.join(' ')}`)
  const data = given.get('-d')
  const variable = data?.startsWith('$') ? texts.get(data.slice(1)) : data
  const text = data === '@-' ? (document ?? undefined) : variable
  if (data !== undefined && text === undefined) throw new Failure(`Nothing known is in ${data}.`)
  return {
    method: data === undefined ? 'GET' : 'POST',
    target: targetOf(address),
    contentType: /^content-type: (.*)$/i.exec(given.get('-H') ?? '')?.[1] ?? null,
    body: text === undefined ? undefined : bodyOf(text),
    savedTo: given.has('-o') ? named(given.get('-o') as string) : null,
  }
}
