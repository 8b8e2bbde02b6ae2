import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import type { GateAnswer } from '../gate-types.ts'
import type { Runner } from './context.ts'
import { EXIT, Exit, thereAlready, usage } from './exit.ts'
import { readPayload } from './input.ts'
import { jsonLine } from './output.ts'
import { writeWhole } from './output-file.ts'
import { decisionLines } from './validate.ts'

interface GateOptions {
  subject: string
  record: string
  aibom?: string
  proof?: boolean
  idempotencyKey?: string
  out?: string
  force?: boolean
}

/** `aigov gate` */
export function addGate(program: Command, run: Runner): void {
  program
    .command('gate')
    .description('Have the policies decide whether a model may be released, and the log record it.')
    .argument('<file>', 'JSON object with the payload, "-" for standard input')
    .requiredOption('--subject <text>', 'what is decided about: a pseudonym, it stays for ever')
    .option('--record <what>', 'full: the payload goes on record too; digest: its digest', 'digest')
    .option('--aibom <file>', 'signed bill of materials, put into the payload')
    .option('--proof', 'with the proof that the log holds the entry')
    .option('--idempotency-key <key>', 'asked again under it, the first decision is the answer')
    .option('--out <file>', 'write the whole answer, the receipt, to a file')
    .option('--force', 'replace the file of --out')
    .addHelpText(
      'after',
      `
The file holds the payload, or { "payload": … }. An answer is there only once the decision is on record. Examples:
  aigov gate payload.json --subject fraud-detector@1.2.3
  aigov gate payload.json --subject fraud-detector@1.2.3 --aibom signed.json --record full
  aigov gate payload.json --subject fraud-detector@1.2.3 --proof --out receipt.json

Exit code 0 if it is allowed, 3 if it is denied; with any other release nothing: there is no
decision, or no place for its receipt.`,
    )
    .action((file: string, options: GateOptions, command: Command) =>
      run(command, async (context) => {
        const { subject, idempotencyKey, out } = options
        const record = recordOf(options.record)
        // Before it is on record: its receipt would have no place.
        if (out !== undefined && existsSync(out) && !options.force) throw thereAlready(out)
        const payload = await readPayload(file, options.aibom)
        const call = { signal: context.signal, idempotencyKey, proof: options.proof === true }
        const ask = async () => {
          const answer = await context.client().gateway.gate({ payload, subject, record }, call)
          context.result(answer, () => linesOf(answer))
          return answer
        }
        const answer =
          out === undefined ? await ask() : await written(out, options.force === true, ask)
        if (!answer.allowed) throw new Exit(EXIT.denied)
      }),
    )
}

/** Asks once the receipt has a place, and puts it there. */
async function written(
  out: string,
  force: boolean,
  ask: () => Promise<GateAnswer>,
): Promise<GateAnswer> {
  const asked: GateAnswer[] = []
  async function* receipt() {
    const answer = await ask()
    asked.push(answer)
    yield Buffer.from(`${jsonLine(answer)}\n`)
  }
  await writeWhole(out, receipt(), { mode: 0o644, force })
  return asked[0] as GateAnswer
}

function recordOf(text: string): 'full' | 'digest' {
  if (text === 'full' || text === 'digest') return text
  throw usage('--record must be full or digest.')
}

function linesOf({ decision, audit }: GateAnswer): string[] {
  return [...decisionLines(decision), `log entry ${audit.id}  ${audit.entry_hash}`]
}
