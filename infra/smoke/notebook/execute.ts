import { Failure } from '../../failure.ts'
import { runCommand } from '../command.ts'
import { type Bindings, compareAnswers } from './answers.ts'
import type { Step } from './notebook.ts'
import { type RunningSession, SESSIONS, type Session, startSession } from './sessions.ts'

/** Where the page is tried. */
export interface Place {
  /** The gateway. */
  url: string
  /** A checkout, in which every block runs. */
  folder: string
  /** Runs a block that is for the terminal of the stack. */
  shell(script: string): Promise<unknown>
}

export interface NotebookFigures {
  /** Steps that print something; the set-up is not counted. */
  steps: number
  /** Blocks that were run, by language. */
  blocks: Record<string, number>
  /** Answers that were compared with the page. */
  answers: number
}

/** The address that the page names, and every reader of it uses. */
const WRITTEN_URL = 'http://127.0.0.1:8080'
const NEEDED = { curl: 'curl', python3: 'Python 3.9 or later' }

/** @throws Failure, naming what to install, if a program is missing that the page needs */
export async function requirePrograms(env: NodeJS.ProcessEnv = process.env): Promise<void> {
  for (const [program, name] of Object.entries(NEEDED)) {
    await runCommand([program, '--version'], { env }).catch(() => {
      throw new Failure(`The walk-through needs ${program}: install ${name}, and try again.`)
    })
  }
}

/**
 * Runs every step in order, in all languages but PowerShell: one session a language, blocks in the order of the
 * page, and after each step what it printed against what the page says.
 *
 * @throws Failure that names step and language
 */
export async function executeNotebook(
  steps: readonly Step[],
  place: Place,
  say: (line: string) => void,
): Promise<NotebookFigures> {
  const runs = new Runs(steps, place)
  const figures: NotebookFigures = { steps: 0, blocks: {}, answers: 0 }
  try {
    for (const step of steps) {
      say(step.title)
      figures.answers += await runs.step(step, figures.blocks)
      if (step.expected.length > 0) figures.steps++
    }
    await runs.finish()
  } finally {
    runs.kill()
  }
  return figures
}

class Runs {
  readonly #place: Place
  readonly #steps: readonly Step[]
  readonly #running = new Map<Session, RunningSession>()
  readonly #bindings = new Map<Session, Bindings>()

  constructor(steps: readonly Step[], place: Place) {
    this.#steps = steps
    this.#place = place
  }

  /** Runs one step in every language; how many answers were right. */
  async step(step: Step, counts: Record<string, number>): Promise<number> {
    const outputs = new Map<Session, string>()
    for (const { language, code } of step.blocks) {
      if (language === 'powershell') continue
      counts[language] = (counts[language] ?? 0) + 1
      if (language === 'shell') {
        await during(step, 'the terminal', this.#place.shell(this.#here(code)))
      } else {
        const output = await during(step, SESSIONS[language].label, this.#session(language).next())
        outputs.set(language, (outputs.get(language) ?? '') + output)
      }
    }
    let answers = 0
    for (const [session, output] of outputs) {
      const bindings = this.#bindings.get(session) ?? new Map()
      this.#bindings.set(session, bindings)
      const found = compareAnswers(output, step.expected, bindings)
      if ('fault' in found) throw fault(step, SESSIONS[session].label, found.fault)
      answers += found.answers
    }
    return answers
  }

  async finish(): Promise<void> {
    const last = this.#steps.at(-1) as Step
    for (const [session, running] of this.#running) {
      await during(last, SESSIONS[session].label, running.finish())
    }
  }

  kill(): void {
    for (const running of this.#running.values()) running.kill()
  }

  /** Made when it is needed first: by then the set-up has installed what it runs on. */
  #session(session: Session): RunningSession {
    const known = this.#running.get(session)
    if (known) return known
    const all = this.#steps.flatMap(({ blocks }) => blocks)
    const own = all.filter(({ language }) => language === session)
    const codes = own.map(({ code }) => this.#here(code))
    const running = startSession(session, codes, this.#place.folder)
    this.#running.set(session, running)
    return running
  }

  #here(code: string): string {
    return code.replaceAll(WRITTEN_URL, this.#place.url)
  }
}

async function during<T>(step: Step, label: string, work: Promise<T>): Promise<T> {
  return work.catch((error: unknown) => {
    throw error instanceof Failure ? fault(step, label, error.message) : error
  })
}

function fault(step: Step, label: string, what: string): Failure {
  return new Failure(`examples/demo_notebook.md, "${step.title}", ${label}: ${what}`)
}
