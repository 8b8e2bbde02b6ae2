import { rm, writeFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { generateAibomKeyPair } from '../aibom-keys.ts'
import type { Runner } from './context.ts'
import { EXIT, Exit } from './exit.ts'

/** `aigov aibom keygen` */
export function addAibomKeygen(aibom: Command, run: Runner): void {
  aibom
    .command('keygen')
    .description('Make an Ed25519 key pair for signing bills of materials.')
    .option('--private <file>', 'PKCS#8 PEM, readable by you alone', 'aibom_private_key.pem')
    .option('--public <file>', 'SPKI PEM, for everybody', 'aibom_public_key.pem')
    .addHelpText(
      'after',
      `
A file that is there is never overwritten. Example:
  aigov aibom keygen --private team-a.key.pem --public team-a.pem

Keep the private key out of the repository. Give the public one to the services: append it to the file
that AIBOM_PUBLIC_KEY_PATH names.`,
    )
    .action((options: { private: string; public: string }, command: Command) =>
      run(command, async (context) => {
        const pair = generateAibomKeyPair()
        await writeNew(options.private, pair.privateKeyPem, 0o600)
        try {
          await writeNew(options.public, pair.publicKeyPem, 0o644)
        } catch (error) {
          await rm(options.private)
          throw error
        }
        const result = {
          key_id: pair.publicKey.id,
          private_key: options.private,
          public_key: options.public,
        }
        context.result(result, () => [
          `Key ${pair.publicKey.id}`,
          `private key: ${options.private} (keep it secret)`,
          `public key:  ${options.public}`,
        ])
      }),
    )
}

async function writeNew(path: string, text: string, mode: number): Promise<void> {
  try {
    await writeFile(path, text, { mode, flag: 'wx' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') {
      throw new Exit(EXIT.usage, `${path} is there already, and a key is never overwritten.`)
    }
    throw new Exit(EXIT.failed, `${path} cannot be written: ${(error as Error).message}.`)
  }
}
