import { spawn } from 'node:child_process'
import { Failure } from '../failure.ts'

export interface CommandOptions {
  cwd?: string
  env?: NodeJS.ProcessEnv
  /** Sent to standard input; without it there is none. */
  input?: string
  /** Gets what the command writes on both channels, as it comes. */
  onOutput?: (text: string) => void
  /** Exit codes that are not failures, 0 always among them. */
  allow?: readonly number[]
}

export interface CommandResult {
  code: number
  stdout: string
  stderr: string
}

/**
 * Runs a program to its end.
 *
 * @throws Failure with the end of what it said, for an exit code that is not allowed or a missing program
 */
export async function runCommand(
  command: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const [file, ...args] = command as [string, ...string[]]
  const { cwd, env, input, onOutput, allow = [] } = options
  const child = spawn(file, args, { cwd, env, stdio: ['pipe', 'pipe', 'pipe'] })
  const result: CommandResult = { code: -1, stdout: '', stderr: '' }
  for (const channel of ['stdout', 'stderr'] as const) {
    child[channel].setEncoding('utf8').on('data', (text: string) => {
      result[channel] += text
      onOutput?.(text)
    })
  }
  // A program that does not read its input closes it early.
  child.stdin.on('error', () => {}).end(input ?? '')
  result.code = await new Promise<number>((resolve, reject) => {
    child.on('error', (error) => reject(new Failure(`${file} cannot be run: ${error.message}.`)))
    child.on('close', (code) => resolve(code ?? -1))
  })
  if (result.code === 0 || allow.includes(result.code)) return result
  const said = tailOf(`${result.stdout}\n${result.stderr}`)
  throw new Failure(`"${command.join(' ')}" ended with ${result.code}:\n${said}`)
}

/** The last lines of what a program said, for a message. */
export function tailOf(text: string): string {
  return text.trim().split('\n').slice(-20).join('\n')
}
