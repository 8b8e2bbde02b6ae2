import type { Command } from 'commander'
import { verifyAibom } from '../aibom.ts'
import { AibomKeyError, type AibomPublicKey, readAibomPublicKeys } from '../aibom-keys.ts'
import type { Runner } from './context.ts'
import { EXIT, Exit, usage } from './exit.ts'
import { readJsonObject, readTextFile } from './input.ts'

/** `aigov aibom verify` */
export function addAibomVerify(aibom: Command, run: Runner): void {
  const repeat = (value: string, before: string[] = []) => [...before, value]
  aibom
    .command('verify')
    .description('Verify a signed bill of materials by the keys that you trust.')
    .argument('<file>', 'the signed bill, "-" for standard input')
    .requiredOption('--keys <file>', 'public keys, SPKI PEM; may be repeated', repeat)
    .addHelpText(
      'after',
      `
A key inside the bill counts for nothing: trust comes from --keys alone. Example:
  aigov aibom verify signed.json --keys infra/keys/aibom_public_key.pem

Exit code 0 if it is verified, 4 for every other status.`,
    )
    .action((file: string, options: { keys: string[] }, command: Command) =>
      run(command, async (context) => {
        const keys: AibomPublicKey[] = []
        for (const path of options.keys) keys.push(...(await readKeys(path)))
        const result = verifyAibom(await readJsonObject(file), keys)
        const isVerified = result.status === 'verified'
        context.result(result, () => [
          isVerified
            ? `VERIFIED  by key ${result.key_id}, ${result.format}`
            : `NOT VERIFIED  ${result.status}${result.reason === null ? '' : `: ${result.reason}`}`,
          ...(result.canonical_sha256 ? [`signed content: sha256 ${result.canonical_sha256}`] : []),
        ])
        if (!isVerified) throw new Exit(EXIT.notVerified)
      }),
    )
}

async function readKeys(path: string): Promise<AibomPublicKey[]> {
  const text = await readTextFile(path)
  try {
    return readAibomPublicKeys(text)
  } catch (error) {
    throw error instanceof AibomKeyError ? usage(`${path}: ${error.message}.`) : error
  }
}
