import { parseEnv } from 'node:util'
import { closest } from '@ai-governance/common/suggest'
import { Failure } from './failure.ts'

const assignment = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)$/

/** Names that Docker and Compose read from `.env` for themselves. */
const ofDocker = /^(COMPOSE|DOCKER|BUILDKIT)_[A-Z_]+$/

/**
 * The settings in the text of a `.env` file. `node:util` reads the values; here is what it passes over in
 * silence: a line that is no assignment, a quote that is not closed, a name given twice, a name nobody knows.
 *
 * @param example the text of `.env.example`, the one list of names
 * @throws Failure with one sentence for each such line
 */
export function parseDotenv(text: string, example: string): Record<string, string> {
  const known = namesIn(example)
  const seen = new Set<string>()
  const faults: string[] = []
  // parseEnv would take it into the first name.
  if (text.startsWith('\uFEFF')) {
    faults.push('.env begins with a byte order mark: save it as UTF-8 without one.')
  }
  text.split(/\r?\n/).forEach((line, index) => {
    if (/^\s*(#|$)/.test(line)) return
    const [, name, value] = assignment.exec(line) ?? []
    const fault = name === undefined ? 'has no "=": write NAME=value.' : faultOf(name, value ?? '')
    if (fault) faults.push(`.env line ${index + 1} ${fault}`)
    if (name !== undefined) seen.add(name)
  })
  if (faults.length > 0) throw new Failure(faults.join('\n'))
  return { ...parseEnv(text) } as Record<string, string>

  function faultOf(name: string, value: string): string | undefined {
    if (!known.includes(name) && !ofDocker.test(name)) {
      const near = closest(name, known)
      return `sets ${name}, which nothing reads${near ? `: did you mean ${near}?` : '; .env.example lists every name.'}`
    }
    if (seen.has(name)) return `sets ${name} a second time: keep one of the two.`
    const quote = /^["'`]/.exec(value)?.[0]
    if (quote && !value.slice(1).includes(quote)) return `opens a ${quote} and does not close it.`
    return undefined
  }
}

/** The line, counted from 1, on which the text assigns a name; undefined where it does not. */
export function lineOf(text: string, name: string): number | undefined {
  const index = text.split(/\r?\n/).findIndex((line) => assignment.exec(line)?.[1] === name)
  return index === -1 ? undefined : index + 1
}

/** Every name that `.env.example` assigns, commented out or not. */
export function namesIn(example: string): string[] {
  return [...example.matchAll(/^#?\s*([A-Z][A-Z0-9_]*)=/gm)].map((match) => match[1] as string)
}
