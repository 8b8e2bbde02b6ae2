import type { Command } from 'commander'
import { addAuditCheckpoint } from './audit-checkpoint.ts'
import { addAuditKeygen } from './audit-keygen.ts'
import type { Runner } from './context.ts'

/** `aigov audit …` */
export function addAudit(program: Command, run: Runner): void {
  const audit = program
    .command('audit')
    .description(
      'Make the key that signs checkpoints of the log; fetch its public part, and checkpoints.',
    )
    .helpCommand(false)
    .addHelpText(
      'after',
      `
Examples:
  aigov audit keygen --key signing/key.pem --state signing/state.json --origin audit.example.org
  aigov audit key > audit.example.org.vkey
  aigov audit checkpoint --key audit.example.org.vkey > 2026-11.note`,
    )
  addAuditKeygen(audit, run)
  addAuditCheckpoint(audit, run)
}
