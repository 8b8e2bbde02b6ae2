import type { Command } from 'commander'
import type { Context, Runner } from './context.ts'
import { usage } from './exit.ts'
import { jsonLine, tell } from './output.ts'
import { POLICY_EXIT, type PolicyExitCode, policyExitOf } from './policy-exit.ts'
import type { Finding } from './policy-finding.ts'
import { annotationOf, annotationsOf } from './policy-github.ts'
import { sarifOf } from './policy-sarif.ts'

/** What a policy command has found, for every format. */
export interface PolicyReport {
  code: PolicyExitCode
  /** For `json`. */
  result: unknown
  /** For `text`, on standard output. */
  lines: readonly string[]
  /** For `text`, on standard error. */
  notes?: readonly string[]
  /** For `sarif` and `github`. */
  findings: readonly Finding[]
}

const FORMATS = ['text', 'json', 'sarif', 'github'] as const
type Format = (typeof FORMATS)[number]

/** Adds what every policy command takes, and runs it to its report and its exit code. */
export function policyAction<Rest extends unknown[]>(
  command: Command,
  run: Runner,
  work: (context: Context, ...rest: Rest) => Promise<PolicyReport>,
): void {
  command.option('--format <format>', FORMATS.join(', '), 'text')
  command.action(async (...given: unknown[]) => {
    // Whoever read the output has gone: never 1 here, which would say "denied".
    process.stdout.removeAllListeners('error')
    process.stdout.on('error', () => process.exit(POLICY_EXIT.broken))
    try {
      await run(command, async (context) => {
        const format = formatOf(command, context.isJson)
        // Commander gives the arguments, the options and the command itself, which is of no use here.
        const report = await work(context, ...(given.slice(0, -1) as Rest))
        // What was asked to stop must not end as if it had been heard in vain.
        context.signal.throwIfAborted()
        write(report, format)
        process.exitCode = report.code
      })
    } catch (error) {
      const { code, message } = policyExitOf(error)
      const isGithub = command.opts<{ format: string }>().format === 'github'
      if (message) process.stderr.write(`${isGithub ? annotationOf(message) : message}\n`)
      process.exitCode = code
    }
  })
}

function formatOf(command: Command, isJson: boolean): Format {
  const text = command.opts<{ format: string }>().format
  const format = FORMATS.find((it) => it === text)
  if (!format) throw usage(`--format must be ${FORMATS.join(', ')}.`)
  if (!isJson) return format
  if (format !== 'text' && format !== 'json') throw usage('Give --json or --format, not both.')
  return 'json'
}

function write(report: PolicyReport, format: Format): void {
  const { code, result, lines, notes = [], findings } = report
  if (format === 'json') process.stdout.write(`${jsonLine(result)}\n`)
  else if (format === 'sarif') process.stdout.write(`${jsonLine(sarifOf(findings, code))}\n`)
  else if (format === 'github') {
    process.stdout.write(
      annotationsOf(findings)
        .map((line) => `${line}\n`)
        .join(''),
    )
    // Nothing that a file or a request says: the runner would act on a line that looks like a command.
    tell(process.stderr, `${findings.length} annotations, exit code ${code}.`)
  } else {
    tell(process.stdout, ...lines)
    tell(process.stderr, ...notes)
  }
}
