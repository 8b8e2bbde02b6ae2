import type { Command } from 'commander'
import { readCheckpoint, type SignedCheckpoint } from '../checkpoint.ts'
import { GovernanceError } from '../errors.ts'
import { isSignedBy, NoteError, readVerifierKey } from '../signed-note.ts'
import type { Context, Runner } from './context.ts'
import { EXIT, Exit, usage } from './exit.ts'
import { keyTextOf } from './key-text.ts'

interface CheckpointOptions {
  key?: string
  witnessed?: boolean
}

/** `aigov audit key` and `aigov audit checkpoint` */
export function addAuditCheckpoint(audit: Command, run: Runner): void {
  audit
    .command('key')
    .description('Print the verifier key of the log, as the service says it.')
    .addHelpText(
      'after',
      `
What a service says of itself proves nothing: compare it with what its operator published. Example:
  aigov audit key > audit.example.org.vkey`,
    )
    .action((_options: unknown, command: Command) =>
      run(command, async (context) => {
        const key = await context.client().audit.checkpointKey({ signal: context.signal })
        context.result({ verifier_key: key }, () => [key])
      }),
    )
  audit
    .command('checkpoint')
    .description(
      'Print the newest signed checkpoint of the log: keep it, and verify a later export with it.',
    )
    .option('--key <key or file>', 'verifier key: print nothing that it did not sign')
    .option('--witnessed', 'the newest that all witnesses of the log have cosigned')
    .addHelpText(
      'after',
      `
Examples:
  aigov audit checkpoint --key audit.example.org.vkey > 2026-11.note
  aigov verify audit.ndjson --key audit.example.org.vkey --checkpoint 2026-11.note

Exit code 4 if the key did not sign it.`,
    )
    .action((options: CheckpointOptions, command: Command) =>
      run(command, (context) => printCheckpoint(context, options)),
    )
}

async function printCheckpoint(context: Context, options: CheckpointOptions): Promise<void> {
  const key = options.key === undefined ? null : await pinnedKey(options.key)
  const { witnessed } = options
  const text = await context.client().audit.checkpoint({ witnessed }, { signal: context.signal })
  const { origin, size, root, note } = checkpointOf(text)
  if (key && (origin !== key.name || !isSignedBy(note, key))) {
    throw new Exit(EXIT.notVerified, 'The checkpoint is not signed by the key that was given.')
  }
  // Byte by byte as it was signed: no line for people stands between.
  if (context.isJson) context.result({ origin, size, root, checkpoint: text }, () => [])
  else process.stdout.write(text)
}

function checkpointOf(text: string): SignedCheckpoint {
  try {
    return readCheckpoint(text)
  } catch (cause) {
    if (!(cause instanceof NoteError)) throw cause
    throw new GovernanceError('invalid_answer', 'the answer is no signed checkpoint.', { cause })
  }
}

async function pinnedKey(given: string) {
  try {
    return readVerifierKey(await keyTextOf(given))
  } catch (error) {
    if (!(error instanceof NoteError)) throw error
    throw usage(`--key cannot be read: ${error.message}.`)
  }
}
