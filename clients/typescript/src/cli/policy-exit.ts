import { codeLines, EXIT, Exit, exitOf } from './exit.ts'
import { printable } from './output.ts'

/**
 * How `aigov policy` ends. Its codes are not those of the other commands: a pipeline has to tell a policy that
 * denies (1) from one that is wrong (3), and both from a tool that broke (70, as `EX_SOFTWARE` of sysexits).
 */
export const POLICY_EXIT = {
  ok: 0,
  denied: 1,
  usage: 2,
  invalid: 3,
  failed: 4,
  unreachable: 5,
  broken: 70,
  interrupted: 130,
} as const

export type PolicyExitCode = (typeof POLICY_EXIT)[keyof typeof POLICY_EXIT]

/** What each code means; the README says the same. */
export const POLICY_EXIT_MEANINGS: Readonly<Record<PolicyExitCode, string>> = {
  0: 'allowed; fine; tests passed; nothing turns; every decision is as its policies give it',
  1: 'denied; of diff: a recorded decision would turn',
  2: 'the command or what it was given is not right',
  3: 'the policies are not valid: each error is named with file, line and column',
  4: 'a test failed or is missing; a recorded decision differs or cannot be read, or the export was altered; the service decides by other policies',
  5: 'the service could not be reached, or did not answer as it should',
  70: 'something on this machine failed, or aigov itself broke: nothing is known',
  130: 'interrupted',
}

export const POLICY_EXIT_HELP = `
Exit codes of "aigov policy", which are not those of the other commands:
${codeLines(POLICY_EXIT_MEANINGS)}`

/** The code and the sentence for whatever ended a policy command early. */
export function policyExitOf(error: unknown): { code: PolicyExitCode; message: string } {
  const { code, message: said } = exitOf(error)
  // It may name a file of a folder that came with a pull request; others have been made printable already.
  const message = error instanceof Exit ? printable(said) : said
  if (code === EXIT.usage) return { code: POLICY_EXIT.usage, message }
  if (code === EXIT.notVerified) return { code: POLICY_EXIT.failed, message }
  if (code === EXIT.interrupted) return { code: POLICY_EXIT.interrupted, message }
  const isOfService = code === EXIT.unreachable || code === EXIT.refused
  return { code: isOfService ? POLICY_EXIT.unreachable : POLICY_EXIT.broken, message }
}
