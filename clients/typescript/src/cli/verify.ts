import type { Command } from 'commander'
import { type ExportVerdict, verifyExport } from '../verify-export.ts'
import type { Runner } from './context.ts'
import { EXIT, Exit } from './exit.ts'
import { nameOf, readChunks } from './input.ts'
import { Progress } from './progress.ts'

/** `aigov verify` */
export function addVerify(program: Command, run: Runner): void {
  program
    .command('verify')
    .description(
      'Verify an NDJSON export of the log, offline: every hash, every link, the trailer.',
    )
    .argument('<file>', 'the export, "-" for standard input')
    .addHelpText(
      'after',
      `
Nothing is asked of any server: whoever has the file can run this. Examples:
  aigov verify audit.ndjson
  aigov export | aigov verify -
  aigov verify audit.ndjson --json | jq -r .last_entry_hash

Keep last_id and last_entry_hash, or the file: a later export that has another hash at that position
tells that the past was rewritten. Exit code 0 if it is verified, 4 if it is not.`,
    )
    .action((file: string, _options: unknown, command: Command) =>
      run(command, async (context) => {
        const progress = new Progress()
        const verdict = await verifyExport(readChunks(file), {
          signal: context.signal,
          onProgress: ({ entries }) => progress.update(() => `${entries} entries verified …`),
        }).finally(() => progress.done())
        context.result(verdict, () => linesOf(verdict, nameOf(file)))
        if (!verdict.ok) throw new Exit(EXIT.notVerified)
      }),
    )
}

function linesOf(verdict: ExportVerdict, name: string): string[] {
  const warnings = verdict.warnings.map((text) => `  warning: ${text}`)
  if (!verdict.ok) {
    const bad = verdict.first_bad_id
    return [
      `NOT VERIFIED  ${name}, line ${verdict.line}${bad === null ? '' : `, entry ${bad}`}: ${verdict.reason}`,
      `  ${verdict.entries} entries before it are right`,
      ...warnings,
    ]
  }
  const range = verdict.entries === 0 ? 'none' : `${verdict.first_id} to ${verdict.last_id}`
  return [
    `VERIFIED  ${verdict.entries} entries (${range})${verdict.erased > 0 ? `, ${verdict.erased} of them with erased details` : ''}`,
    `last_entry_hash ${verdict.last_entry_hash}`,
    ...warnings,
    '  not judged: signed checkpoints',
  ]
}
