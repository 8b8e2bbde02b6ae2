import { type ChildProcess, spawn } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { Failure } from '../../failure.ts'
import { tailOf } from '../command.ts'
import type { Language } from './notebook.ts'

/** A language in whose session blocks are run here; PowerShell is compared with curl instead. */
export type Session = Exclude<Language, 'powershell' | 'shell'>

/** How a session is made: every block in one program, which waits before each until it is told to go on. */
interface Maker {
  label: string
  command: readonly string[]
  extension: string
  prelude: string
  /** Reads a byte, or a line, from file descriptor 3; ends the program where nobody will send one. */
  wait: string
  /** Writes the end mark to standard output. */
  mark: string
}

/** Longest time for one block, in ms: generous, since a slow machine is not a fault. */
const PATIENCE = 120_000
const END_MARK = '\u001e\n'

export const SESSIONS: Readonly<Record<Session, Maker>> = {
  sh: {
    label: 'curl',
    command: ['sh', '-e'],
    extension: 'sh',
    prelude: '',
    wait: 'read -r _ <&3',
    mark: "printf '\\036\\n'",
  },
  ts: {
    label: 'TypeScript',
    command: [join('node_modules', '.bin', 'node')],
    extension: 'ts',
    prelude: "import { readSync as awaitTurn } from 'node:fs'",
    wait: 'if (awaitTurn(3, new Uint8Array(1)) === 0) process.exit(1)',
    mark: "console.log('\\x1e')",
  },
  python: {
    label: 'Python',
    command: ['python3'],
    extension: 'py',
    prelude: 'import os as turns',
    wait: 'turns.read(3, 1) or turns._exit(1)',
    mark: "print('\\x1e', flush=True)",
  },
}

/** A running session of one language. */
export interface RunningSession {
  /** Runs the next block to its end. Resolves with what it wrote to standard output. */
  next(): Promise<string>
  /** Resolves when the program has ended by itself after its last block. */
  finish(): Promise<void>
  /** Ends it, whatever it is doing. */
  kill(): void
}

/**
 * Starts a session that will run the given blocks, one at each call of `next`.
 *
 * @param folder a checkout; the program is written into it, since it imports relative to there
 */
export function startSession(
  session: Session,
  blocks: readonly string[],
  folder: string,
): RunningSession {
  const { command, extension } = SESSIONS[session]
  const [program, ...args] = command as [string, ...string[]]
  const script = join(folder, `.notebook.${extension}`)
  writeFileSync(script, programOf(SESSIONS[session], blocks))
  const child = spawn(program, [...args, script], {
    cwd: folder,
    env: { ...environment(), PYTHONPATH: join('clients', 'python') },
    // Nothing to read: only the fourth channel says when to go on.
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  })
  return new Program(child, () => rmSync(script, { force: true }))
}

/** The program of a session, all blocks in it. */
function programOf({ prelude, wait, mark }: Maker, blocks: readonly string[]): string {
  return [prelude, ...blocks.flatMap((code) => [wait, code, mark]), ''].join('\n')
}

/** The caller's variables without those that would lead a block elsewhere. */
function environment(): NodeJS.ProcessEnv {
  const leads = /^(npm_|AIGOV_|GATEWAY_|PYTHON)/i
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !leads.test(name)))
}

class Program implements RunningSession {
  readonly #child: ChildProcess
  readonly #ended: Promise<string>
  #output = ''
  #errors = ''
  #onOutput = () => {}

  constructor(child: ChildProcess, cleanUp: () => void) {
    this.#child = child
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#output += text
      this.#onOutput()
    })
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#errors += text
    })
    // A program that has ended takes no more turns.
    this.#turns.on('error', () => {})
    this.#ended = new Promise((resolve) => {
      child.on('error', (error) => resolve(`it cannot be run: ${error.message}`))
      child.on('close', (code, signal) => resolve(`it ended with ${code ?? signal}`))
    })
    this.#ended.then(cleanUp)
  }

  get #turns(): Duplex {
    return this.#child.stdio[3] as Duplex
  }

  async next(): Promise<string> {
    this.#output = ''
    this.#errors = ''
    const isOver = new Promise<null>((resolve) => {
      this.#onOutput = () => this.#output.endsWith(END_MARK) && resolve(null)
    })
    this.#turns.write('\n')
    const early = await this.#within(Promise.race([isOver, this.#ended]))
    if (early === null) return this.#output.slice(0, -END_MARK.length)
    throw new Failure(`${early}:\n${tailOf(this.#output + this.#errors)}`)
  }

  async finish(): Promise<void> {
    const how = await this.#within(this.#ended)
    if (how !== 'it ended with 0') throw new Failure(`${how}:\n${tailOf(this.#errors)}`)
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }

  async #within<T>(work: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      const text = `it has not ended after ${PATIENCE / 1000} s:\n`
      timer = setTimeout(() => reject(new Failure(text + tailOf(this.#errors))), PATIENCE)
    })
    return Promise.race([work, late]).finally(() => clearTimeout(timer))
  }
}
