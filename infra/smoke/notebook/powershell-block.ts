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

const PARAMETERS = ['-Uri', '-Method', '-ContentType', '-Body', '-OutFile']

/** A word: in single quotes, in double quotes, or bare. */
const WORD = /'([^']*)'|"([^"]*)"|([^\s'"]+)/y

/** Stands for a here-string in the line that holds it. */
const HERE = '\u0001'

/**
 * What a `powershell` block does, for the forms that the page uses: `Invoke-RestMethod` and
 * `Invoke-WebRequest` with {@link PARAMETERS}, each by its name; a body as a here-string (`@"…"@`) or as a
 * variable that was given one; and `aigov …` at the start of a line.
 *
 * @param texts what variables hold from the blocks before; gets what this one sets
 * @throws Failure for a form that is none of these, or that PowerShell 7 would read in another way than sh
 */
export function readPowershellBlock(code: string, texts: Texts): Doings {
  const { lines, heres } = withoutHereStrings(code)
  const doings: Doings = { calls: [], commands: [], documents: heres.map(bodyOf) }
  for (const line of lines) {
    checkExpansions(line)
    const here = line.includes(HERE) ? heres.shift() : undefined
    const assigned = /^\$(\w+) = (.*)$/.exec(line)
    const right = (assigned?.[2] ?? line).trimStart()
    if (assigned && right === HERE) texts.set(assigned[1] as string, here as string)
    const requests = line.match(/\bInvoke-\w+|\b(?:curl|irm|iwr|wget)\b/gi)?.length ?? 0
    const rest = /^Invoke-(?:RestMethod|WebRequest) (.*)$/.exec(right)?.[1]
    if (requests !== (rest === undefined ? 0 : 1)) throw new Failure(`Not a known form: ${line}`)
    if (rest !== undefined) doings.calls.push(readRequest(wordsOf(rest, WORD), here, texts))
    if (line.startsWith('aigov ')) doings.commands.push(wordsOf(line, WORD).map(named))
  }
  return doings
}

/** The lines of a block with a mark for each here-string, whose end must stand at the start of a line. */
function withoutHereStrings(code: string): { lines: string[]; heres: string[] } {
  const heres: string[] = []
  const marked = code.replaceAll(/@"\n([\s\S]*?)\n"@/g, (_, text: string) => {
    checkExpansions(text)
    heres.push(text)
    return HERE
  })
  return { lines: marked.split('\n'), heres }
}

/** `$name?` and `$name:` in a text are other variables to PowerShell, and a backtick escapes. */
function checkExpansions(text: string): void {
  const found = /\$\w+[?:]|`/.exec(text)?.[0]
  if (found) throw new Failure(`PowerShell reads "${found}" as something else: ${text}`)
}

function readRequest(words: readonly string[], here: string | undefined, texts: Texts): HttpCall {
  const given = new Map<string, string>()
  for (let i = 0; i < words.length; i += 2) {
    const [name = '', value] = words.slice(i, i + 2)
    if (!PARAMETERS.includes(name) || value === undefined) {
      throw new Failure(`Not a known parameter with its value: ${name} ${value}`)
    }
    given.set(name, value)
  }
  const body = given.get('-Body')
  const text = body === HERE ? here : texts.get(body?.slice(1) ?? '')
  if (body !== undefined && text === undefined) throw new Failure(`Nothing known is in ${body}.`)
  return {
    method: (given.get('-Method') ?? 'Get').toUpperCase(),
    target: targetOf(given.get('-Uri') ?? ''),
    contentType: given.get('-ContentType') ?? null,
    body: text === undefined ? undefined : bodyOf(text),
    savedTo: given.has('-OutFile') ? named(given.get('-OutFile') as string) : null,
  }
}
