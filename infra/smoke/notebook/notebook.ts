import { Failure } from '../../failure.ts'

/** `shell` is for the terminal of the stack, in any shell; the others share one session each. */
const LANGUAGES = ['sh', 'powershell', 'ts', 'python', 'shell'] as const

export type Language = (typeof LANGUAGES)[number]

/** A fenced block of code. */
export interface Block {
  language: Language
  code: string
}

/** What is below one heading of the second level, in the order of the page. */
export interface Step {
  title: string
  blocks: Block[]
  /** What each language prints, one answer after the other; see `answers.ts`. */
  expected: unknown[]
}

/**
 * The steps of a page in Markdown: every heading `## …` below which there is a block.
 *
 * @throws Failure for a block in another language, a heading without a fence's end, or `json` that is none
 */
export function parseNotebook(markdown: string): Step[] {
  const [, ...chapters] = markdown.split(/^## /m)
  return chapters.map(parseStep).filter(({ blocks }) => blocks.length > 0)
}

/** The code of one language in a step, its blocks one below the other; empty if it has none. */
export function codeOf(step: Step, language: Language): string {
  return step.blocks
    .filter((block) => block.language === language)
    .map(({ code }) => code)
    .join('')
}

function parseStep(chapter: string): Step {
  const title = chapter.slice(0, chapter.indexOf('\n'))
  const step: Step = { title, blocks: [], expected: [] }
  const fences = [...chapter.matchAll(/^```/gm)].length
  const blocks = [...chapter.matchAll(/^```(\S*)\n([\s\S]*?)^```$/gm)]
  if (fences !== 2 * blocks.length) throw new Failure(`"${title}": a block has no end.`)
  for (const [, info = '', code = ''] of blocks) {
    if (info === 'json') step.expected.push(parseExpected(title, code))
    else step.blocks.push({ language: languageOf(title, info), code })
  }
  return step
}

function languageOf(title: string, info: string): Language {
  const language = LANGUAGES.find((name) => name === info)
  if (language) return language
  throw new Failure(`"${title}": a block is in "${info}", and not in ${LANGUAGES.join(', ')}.`)
}

function parseExpected(title: string, code: string): unknown {
  try {
    return JSON.parse(code)
  } catch (error) {
    throw new Failure(`"${title}": what is printed is not JSON: ${(error as Error).message}.`)
  }
}
