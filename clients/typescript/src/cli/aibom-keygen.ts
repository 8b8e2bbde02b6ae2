import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import type { Command } from 'commander'
import { generateAibomKeyPair } from '../aibom-keys.ts'
import type { Runner } from './context.ts'
import { usage } from './exit.ts'
import { writeWhole } from './output-file.ts'

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
        const there = [options.private, options.public].find((path) => existsSync(path))
        if (there) throw usage(`${there} is there already, and a key is never overwritten.`)
        const pair = generateAibomKeyPair()
        await writeWhole(options.private, [pair.privateKeyPem], { mode: 0o600, force: false })
        try {
          await writeWhole(options.public, [pair.publicKeyPem], { mode: 0o644, force: false })
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
