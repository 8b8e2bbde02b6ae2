import type { Command } from 'commander'
import { type ReceiptVerdict, verifyReceipt } from '../receipt.ts'
import type { Runner } from './context.ts'
import { EXIT, Exit } from './exit.ts'
import { readJsonObject } from './input.ts'
import { keyTextOf } from './key-text.ts'

/** `aigov receipt` */
export function addReceipt(program: Command, run: Runner): void {
  program
    .command('receipt')
    .description('Verify, without any server, what the gate or the log answered with a proof.')
    .argument('<file>', 'the answer as JSON, "-" for standard input')
    .requiredOption('--key <key or file>', 'verifier key of the log, from somebody you trust')
    .addHelpText(
      'after',
      `
Examples:
  aigov gate payload.json --subject fraud-detector@1.2.3 --proof --out receipt.json
  aigov receipt receipt.json --key log.vkey

Exit code 0 if it is verified, 4 if it is not.`,
    )
    .action((file: string, options: { key: string }, command: Command) =>
      run(command, async (context) => {
        const verdict = verifyReceipt(await readJsonObject(file), await keyTextOf(options.key))
        context.result(verdict, () => linesOf(verdict))
        if (!verdict.ok) throw new Exit(EXIT.notVerified)
      }),
    )
}

function linesOf(verdict: ReceiptVerdict): string[] {
  if (!verdict.ok) return [`NOT VERIFIED  ${verdict.reason}`]
  const { id, event_type, subject, decision, actor, created_at, entry_hash } = verdict.entry
  return [
    `VERIFIED  entry ${id}  ${event_type}  ${decision ? 'true' : 'false'}`,
    `  subject ${subject}`,
    `  by ${actor} at ${created_at}`,
    `  hash ${entry_hash}`,
  ]
}
