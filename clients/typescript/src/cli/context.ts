import type { Command } from 'commander'
import { type Client, createClient } from '../client.ts'
import { GovernanceError } from '../errors.ts'
import { usage } from './exit.ts'
import { jsonLine, tell } from './output.ts'
import { tokenSource } from './token.ts'

/** The options that every command takes. */
interface CommonOptions {
  url: string
  json?: boolean
  timeout: string
}

/** What a command works with: where it asks, how it speaks, what ends it. */
export class Context {
  readonly url: string
  readonly isJson: boolean
  /** Aborted by Ctrl-C and by a termination signal. */
  readonly signal: AbortSignal
  readonly #timeoutMs: number

  constructor(command: Command, signal: AbortSignal) {
    const options = command.optsWithGlobals<CommonOptions>()
    this.url = options.url
    this.isJson = options.json === true
    this.signal = signal
    const seconds = Number(options.timeout)
    if (!(seconds > 0 && seconds <= 86_400)) {
      throw usage('--timeout must be a number of seconds from above 0 up to 86400.')
    }
    this.#timeoutMs = Math.ceil(seconds * 1000)
  }

  client(): Client {
    const options = { baseUrl: this.url, timeoutMs: this.#timeoutMs }
    return createClient({ ...options, ...tokenSource(process.env) })
  }

  /** The result on standard output: one line of JSON with --json, else lines for people. */
  result(value: unknown, lines: () => string[]): void {
    if (this.isJson) process.stdout.write(`${jsonLine(value)}\n`)
    else tell(process.stdout, ...shown(lines))
  }

  /** A remark on standard error. */
  note(...lines: string[]): void {
    tell(process.stderr, ...lines)
  }
}

/** Of answers not every member is checked; one that is missing shows here. */
function shown(lines: () => string[]): string[] {
  try {
    return lines()
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause
    const detail = 'the answer does not have the members that it must have.'
    throw new GovernanceError('invalid_answer', detail, { cause })
  }
}

/** The work of a command. */
export type Run = (context: Context) => Promise<void>
/** Runs the work of a command under its context. */
export type Runner = (command: Command, run: Run) => Promise<void>
