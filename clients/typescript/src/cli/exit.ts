import { AibomKeyError } from '../aibom-keys.ts'
import { AuditKeyError } from '../audit-key.ts'
import { GovernanceError } from '../errors.ts'
import { JsonTextError } from '../json-text.ts'
import { NoteError } from '../signed-note.ts'
import { printable } from './output.ts'

/** How the command line ends. A code is a promise: scripts match on it. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  denied: 3,
  notVerified: 4,
  verifiedInPart: 5,
  unreachable: 6,
  refused: 7,
  notPinned: 8,
  unusable: 9,
  interrupted: 130,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** What each code means; the README says the same. */
export const EXIT_MEANINGS: Readonly<Record<ExitCode, string>> = {
  0: 'done; allowed; verified',
  1: 'something on this machine failed, such as writing a file',
  2: 'the command or what it was given is not right',
  3: 'denied by the policies',
  4: 'not verified: the export, the bill of materials, the receipt or the summary is not what it should be',
  5: 'verified as far as the export goes: it does not reach an erasure, or an earlier checkpoint',
  6: 'the gateway could not be reached, did not answer in time, or broke off',
  7: 'the gateway or a service refused, is not ready, or did not answer as it should',
  8: 'consistent, key not pinned: everything fits, but no key was given to trust, or nothing is signed',
  9: 'unusable: no NDJSON export, or one that broke off',
  130: 'interrupted',
}

export const EXIT_CODES_HELP = `
Exit codes:
${codeLines(EXIT_MEANINGS)}`

/** A table of exit codes as help shows it, a line each. */
export function codeLines(meanings: Readonly<Record<number, string>>): string {
  return Object.entries(meanings)
    .map(([code, meaning]) => `  ${code.padEnd(4)} ${meaning}`)
    .join('\n')
}

/** Ends the command with a code. The message says what to do, on standard error; empty says nothing. */
export class Exit extends Error {
  override readonly name = 'Exit'
  readonly code: ExitCode

  constructor(code: ExitCode, message = '') {
    super(message)
    this.code = code
  }
}

/** A fault in what the person gave: exit code 2. */
export function usage(message: string): Exit {
  return new Exit(EXIT.usage, message)
}

/** A file that would have to be replaced: exit code 2. */
export function thereAlready(path: string): Exit {
  return usage(`${path} is there already: choose another name, or replace it with --force.`)
}

/** How many of the things that are wrong with a request are shown. */
const MOST_ERRORS = 20
const UNREACHABLE: readonly string[] = ['connection', 'deadline', 'export_incomplete']
const HINTS: Readonly<Record<string, string>> = {
  connection: 'Is the stack running, and is --url (or AIGOV_URL) right?',
  deadline: 'Give it more time with --timeout, or look at "aigov status".',
  invalid_answer: 'Is --url (or AIGOV_URL) the address of the gateway?',
  signing_key_missing: 'Whoever runs the log makes one with "aigov audit keygen".',
  artifacts_conflict: 'Register changed artifacts under a new version.',
  unauthorized:
    'Put the token into AIGOV_TOKEN, or the path of a file with it into AIGOV_TOKEN_FILE.',
  insufficient_scope:
    'The token counts, but is not for this: whoever runs the gateway makes a key with the scope that it takes ("aigov keys create --scope …").',
  rate_limited: 'Ask less often, or have the limits of the gateway raised.',
  no_subject: 'A summary is about artifacts: name them in the payload, by their digests.',
  event_type_reserved: 'Choose an event type of your own, such as "model.released".',
}

/** The code and the sentence for whatever ended a command. */
export function exitOf(error: unknown): { code: ExitCode; message: string } {
  if (error instanceof Exit) return { code: error.code, message: error.message }
  // What kept the token away, or a signal, has said it, and how to end. Not of a change that may have been made.
  if (error instanceof GovernanceError && error.cause instanceof Exit && !error.outcomeUnknown) {
    return exitOf(error.cause)
  }
  if (isGivenWrong(error)) {
    return { code: EXIT.usage, message: error.message }
  }
  if (error instanceof GovernanceError) return { code: codeOf(error), message: tell(error) }
  if (error instanceof Error && 'code' in error) {
    return { code: EXIT.failed, message: printable(error.message) }
  }
  // Not foreseen: whoever mends it needs to see where it happened.
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return { code: EXIT.failed, message: printable(text) }
}

/** Whether it is a fault in what the person gave, and says so itself. */
function isGivenWrong(error: unknown): error is Error {
  return [JsonTextError, AibomKeyError, NoteError, AuditKeyError].some(
    (kind) => error instanceof kind,
  )
}

function codeOf({ code }: GovernanceError): ExitCode {
  if (code === 'aborted') return EXIT.interrupted
  if (code === 'invalid_argument' || code === 'token_unavailable') return EXIT.usage
  return UNREACHABLE.includes(code) ? EXIT.unreachable : EXIT.refused
}

function tell(error: GovernanceError): string {
  const status = error.status === undefined ? '' : ` (${error.status})`
  const lines = [
    `${error.code}${status}: ${error.detail}`,
    ...error.errors
      .slice(0, MOST_ERRORS)
      .map(({ path, message }) => `  ${path || 'the request'}: ${message}`),
  ]
  const more = error.errors.length - MOST_ERRORS
  if (more > 0) lines.push(`  and ${more} more`)
  if (error.outcomeUnknown) {
    const { idempotencyKey: key } = error
    lines.push(
      `The change may or may not have been made: ${key ? `send it again with --idempotency-key ${key}, under which it is made once` : 'look in the log for the request id below before you send it again'}.`,
    )
  }
  if (error.requestId) lines.push(`Request id: ${error.requestId}`)
  const hint = HINTS[error.code]
  if (hint) lines.push(hint)
  return lines.map(printable).join('\n')
}
