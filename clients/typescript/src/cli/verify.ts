import type { Command } from 'commander'
import { type ExportVerdict, NOT_NDJSON, verifyExport } from '../verify-export.ts'
import type { Runner } from './context.ts'
import { EXIT, Exit } from './exit.ts'
import { nameOf, readChunks } from './input.ts'
import { Progress } from './progress.ts'
import { verifyServices } from './verify-services.ts'

/** `aigov verify` */
export function addVerify(program: Command, run: Runner): void {
  program
    .command('verify')
    .description(
      'Verify an NDJSON export of the log, offline: every hash, every link, the trailer. Without a file: let the services check themselves.',
    )
    .argument('[file]', 'the export, "-" for standard input')
    .addHelpText(
      'after',
      `
With a file nothing is asked of any server: whoever has it can run this. Examples:
  aigov verify audit.ndjson
  aigov export | aigov verify -
  aigov verify audit.ndjson --json | jq -r .last_entry_hash
  aigov verify

Keep last_id and last_entry_hash, or the file: a later export that has another hash at that position
tells that the past was rewritten. Exit code 0 if it is verified, 4 if it is not; 5 if it is as far as it goes,
but details are missing whose erasure lies behind its end: take a longer export.`,
    )
    .action((file: string | undefined, _options: unknown, command: Command) =>
      run(command, async (context) => {
        if (file === undefined) return verifyServices(context)
        const progress = new Progress()
        const verdict = await verifyExport(readChunks(file), {
          signal: context.signal,
          onProgress: ({ entries }) => progress.update(() => `${entries} entries verified …`),
        }).finally(() => progress.done())
        if (verdict.reason === NOT_NDJSON) {
          throw new Exit(EXIT.failed, `${nameOf(file)} cannot be verified: ${NOT_NDJSON}.`)
        }
        context.result(verdict, () => linesOf(verdict, nameOf(file)))
        if (!verdict.ok) throw new Exit(EXIT.notVerified)
        if (verdict.unaccounted > 0) throw new Exit(EXIT.verifiedInPart)
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
    `VERIFIED${verdict.unaccounted > 0 ? ' AS FAR AS IT GOES' : ''}  ${verdict.entries} entries (${range})${verdict.erased > 0 ? `, ${verdict.erased} of them with erased details` : ''}`,
    `last_entry_hash ${verdict.last_entry_hash}`,
    ...warnings,
    ...(verdict.checkpoint === null && verdict.verifier_key === null
      ? []
      : ['  not judged: the signed checkpoint']),
  ]
}
