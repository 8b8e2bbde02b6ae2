import { type Command, InvalidArgumentError } from 'commander'
import { readVerifierKey } from '../signed-note.ts'
import { type VerificationSummary, verifyVsa } from '../vsa.ts'
import type { Runner } from './context.ts'
import { EXIT, Exit } from './exit.ts'
import { keyTextOf } from './key-text.ts'
import { jsonLine } from './output.ts'
import { writeWhole } from './output-file.ts'

interface VsaOptions {
  key: string
  artifact?: string
  out?: string
  force?: boolean
}

type Verdict = { ok: true; summary: VerificationSummary } | { ok: false; reason: string }

/** `aigov vsa` */
export function addVsa(program: Command, run: Runner): void {
  program
    .command('vsa')
    .description(
      'Fetch a decision of the gate as a signed SLSA Verification Summary, and verify it.',
    )
    .argument('<id>', 'of the log entry', entryId)
    .requiredOption('--key <key or file>', 'verifier key of the log, from somebody you trust')
    .option('--artifact <digest>', 'must be among those that were decided about', digest)
    .option('--out <file>', 'write the envelope to a file, if it verifies')
    .option('--force', 'replace the file of --out')
    .addHelpText(
      'after',
      `
The payload of the decision must have named artifacts by their digests. Examples:
  aigov vsa 7 --key log.vkey
  aigov vsa 7 --key log.vkey --artifact sha256:9f86… --out model.vsa.json

Exit code 0 if it is verified and says PASSED, 3 if it is verified and says FAILED, 4 if it is not verified.`,
    )
    .action((id: number, options: VsaOptions, command: Command) =>
      run(command, async (context) => {
        const key = readVerifierKey(await keyTextOf(options.key))
        const envelope = await context.client().audit.vsa(id, { signal: context.signal })
        const verdict = verdictOn(verifyVsa(envelope, key), id, options.artifact)
        if (verdict.ok && options.out !== undefined) {
          const force = options.force === true
          await writeWhole(options.out, [`${jsonLine(envelope)}\n`], { mode: 0o644, force })
        }
        context.result(verdict, () => linesOf(verdict))
        if (!verdict.ok) throw new Exit(EXIT.notVerified)
        if (verdict.summary.predicate.verificationResult !== 'PASSED') throw new Exit(EXIT.denied)
      }),
    )
}

function verdictOn(
  summary: VerificationSummary | null,
  id: number,
  artifact: string | undefined,
): Verdict {
  if (!summary) return no('the key did not sign this as a summary of its log')
  if (summary.predicate['urn:ai-governance:entry'].id !== id) {
    return no('it is the summary of another entry')
  }
  if (artifact === undefined) return { ok: true, summary }
  const [algorithm = '', hex] = artifact.split(':')
  // As in-toto names it.
  const name = algorithm.replaceAll('-', '_')
  const isNamed = summary.subject.some((one) => one.digest[name] === hex)
  return isNamed ? { ok: true, summary } : no('the decision is not about this artifact')
}

const no = (reason: string): Verdict => ({ ok: false, reason })

function linesOf(verdict: Verdict): string[] {
  if (!verdict.ok) return [`NOT VERIFIED  ${verdict.reason}`]
  const { subject, predicate } = verdict.summary
  return [
    `VERIFIED  ${predicate.verificationResult}  entry ${predicate['urn:ai-governance:entry'].id}`,
    ...subject.flatMap(({ name, digest: digests }) =>
      Object.entries(digests).map(([algorithm, hex]) => `  ${name}  ${algorithm}:${hex}`),
    ),
    `  policy ${predicate.policy.uri}`,
    `  at ${predicate.timeVerified}`,
    `  by ${predicate.verifier.id}`,
  ]
}

function entryId(text: string): number {
  const id = /^[1-9][0-9]{0,15}$/.test(text) ? Number(text) : Number.NaN
  if (!Number.isSafeInteger(id)) {
    throw new InvalidArgumentError('It must be the position of an entry, such as 7.')
  }
  return id
}

function digest(text: string): string {
  if (/^[a-z0-9-]+:[0-9a-f]{64,128}$/.test(text)) return text
  throw new InvalidArgumentError('It must be a digest, such as sha256:… in hex.')
}
