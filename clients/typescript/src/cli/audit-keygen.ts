import type { Command } from 'commander'
import { makeAuditKey } from '../audit-key.ts'
import type { Runner } from './context.ts'

interface KeygenOptions {
  key: string
  state: string
  origin?: string
  ifMissing?: boolean
}

/** `aigov audit keygen` */
export function addAuditKeygen(audit: Command, run: Runner): void {
  audit
    .command('keygen')
    .description('Make the key that signs checkpoints, and the state of the signer beside it.')
    .requiredOption('--key <file>', 'PKCS#8 PEM, readable by you alone: AUDIT_SIGNING_KEY_PATH')
    .requiredOption('--state <file>', 'what was signed last: AUDIT_SIGNER_STATE_PATH')
    .option('--origin <name>', 'the name of the log; by default localhost/audit/ and eight digits')
    .option('--if-missing', 'be content with a pair that is there')
    .addHelpText(
      'after',
      `
Nothing is ever overwritten. The verifier key goes to standard output: hand it to everybody who is to check the log.
Example:
  aigov audit keygen --key signing/key.pem --state signing/state.json --origin audit.example.org > audit.example.org.vkey

The state says what was signed last. Keep it on a disk of its own, never roll it back, and never put one without the
other: a key whose state is lost must begin a new origin.`,
    )
    .action(({ key, state, origin, ifMissing }: KeygenOptions, command: Command) =>
      run(command, async (context) => {
        const made = await makeAuditKey({ keyFile: key, stateFile: state, origin, ifMissing })
        const result = {
          verifier_key: made.verifierKey,
          origin: made.origin,
          key_file: key,
          state_file: state,
          made: made.made,
        }
        context.result(result, () => [made.verifierKey])
        if (made.made) {
          context.note(
            `private key: ${key} (keep it secret, and in a backup)`,
            `state:       ${state} (keep it with the key; never roll it back)`,
            'The line on standard output is the verifier key: hand it out.',
          )
        } else context.note(`${key} and ${state} are there already: nothing to do.`)
      }),
    )
}
