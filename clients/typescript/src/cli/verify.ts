import { availableParallelism } from 'node:os'
import type { Command } from 'commander'
import { readCheckpoint, splitNotes } from '../checkpoint.ts'
import type { GivenTexts } from '../evidence.ts'
import type { Result } from '../export-verdict.ts'
import { NoteError } from '../signed-note.ts'
import type { Context, Runner } from './context.ts'
import { EXIT, Exit, type ExitCode, usage } from './exit.ts'
import { nameOf, readChunks, readTextFile } from './input.ts'
import { keyTextOf } from './key-text.ts'
import { Progress } from './progress.ts'
import { linesOf } from './verdict-lines.ts'
import { verifyWithJobs } from './verify-jobs.ts'
import { verifyServices } from './verify-services.ts'

interface VerifyOptions {
  key?: string
  checkpoint?: string[]
  requireWitness?: string[]
  jobs?: string
}

/** docs/FORMATS.md, Verification of an export: the result and its exit code. */
const CODES: Readonly<Record<Result, ExitCode>> = {
  verified: EXIT.ok,
  not_verified: EXIT.notVerified,
  in_part: EXIT.verifiedInPart,
  not_pinned: EXIT.notPinned,
  unusable: EXIT.unusable,
}

/** `aigov verify` */
export function addVerify(program: Command, run: Runner): void {
  const repeat = (value: string, before: string[] = []) => [...before, value]
  program
    .command('verify')
    .description(
      'Verify an NDJSON export of the log, offline: every hash, every link, the trailer, the signature. Without a file: let the services check themselves.',
    )
    .argument('[file]', 'the export, "-" for standard input')
    .option('--key <key or file>', 'verifier key of the log, from somebody you trust')
    .option('--checkpoint <file>', 'signed checkpoints taken earlier; may be repeated', repeat)
    .option(
      '--require-witness <key or file>',
      'verifier key of a witness who must have cosigned; may be repeated',
      repeat,
    )
    .option('--jobs <count>', 'threads for a large export; by default one for each processor')
    .addHelpText('after', HELP)
    .action((file: string | undefined, options: VerifyOptions, command: Command) =>
      run(command, (context) =>
        file === undefined ? checkServices(context, options) : verifyFile(context, file, options),
      ),
    )
}

const HELP = `
With a file nothing is asked of any server: whoever has it can run this. Examples:
  aigov verify audit.ndjson --key audit.example.org.vkey
  aigov verify audit.ndjson --key audit.example.org.vkey --checkpoint 2026-10.note --checkpoint 2026-11.note
  aigov verify audit.ndjson --key audit.example.org.vkey --require-witness witness.vkey
  aigov export | aigov verify - --json | jq -r .checkpoint > 2026-12.note
  aigov verify

The key must come from elsewhere than the export: whoever rewrites a log signs it with a key of their own. Keep
checkpoints ("aigov audit checkpoint"): they show whether what was signed then still stands, and where not.
Exit code 0 only where the pinned key signed it all; 8 where everything fits and no key was given, or nothing
is signed; 5 where the export does not reach far enough; 4 where something is wrong; 9 where it is no whole export.`

async function checkServices(context: Context, options: VerifyOptions): Promise<void> {
  if (Object.keys(options).length > 0)
    throw usage('Options of verify need an export: name its file.')
  await verifyServices(context)
}

async function verifyFile(context: Context, file: string, options: VerifyOptions): Promise<void> {
  const jobs = jobsOf(options.jobs)
  const given = await givenOf(file, options)
  const progress = new Progress()
  const verdict = await verifyWithJobs(readChunks(file), {
    ...given,
    jobs,
    signal: context.signal,
    onProgress: ({ entries }) => progress.update(() => `${entries} entries verified …`),
  }).finally(() => progress.done())
  context.result(verdict, () => linesOf(verdict, nameOf(file)))
  const code = CODES[verdict.result]
  if (code !== EXIT.ok) throw new Exit(code)
}

function jobsOf(text: string | undefined): number {
  if (text === undefined) return availableParallelism()
  if (/^[1-9][0-9]?$/.test(text)) return Number(text)
  throw usage('--jobs must be a whole number from 1 to 99.')
}

async function givenOf(file: string, options: VerifyOptions): Promise<GivenTexts> {
  const { key, checkpoint = [], requireWitness = [] } = options
  const sources = [file, key, ...checkpoint, ...requireWitness].filter((path) => path === '-')
  if (sources.length > 1) throw usage('Standard input ("-") can be read once only.')
  const earlier: string[] = []
  for (const path of checkpoint) {
    earlier.push(...notesOf(await readTextFile(path), nameOf(path)))
  }
  const witnesses: string[] = []
  for (const text of requireWitness) witnesses.push(await keyTextOf(text))
  return { earlier, witnesses, ...(key !== undefined && { key: await keyTextOf(key) }) }
}

function notesOf(text: string, name: string): string[] {
  const notes = splitNotes(text)
  try {
    for (const note of notes) readCheckpoint(note)
    return notes
  } catch (error) {
    if (!(error instanceof NoteError)) throw error
    throw usage(`${name} holds no signed checkpoint, or something beside: ${error.message}.`)
  }
}
