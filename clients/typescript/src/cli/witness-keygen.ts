import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import { generateAibomKeyPair } from '../aibom-keys.ts'
import { makeVerifierKey, verifierKeyText } from '../signed-note.ts'
import type { Runner } from './context.ts'
import { usage } from './exit.ts'
import { writeWhole } from './output-file.ts'
import { makeWitnessFolder, removeWitnessFolder } from './witness-state.ts'

interface KeygenOptions {
  name: string
  key: string
  state: string
}

/** `aigov witness keygen` */
export function addWitnessKeygen(witness: Command, run: Runner): void {
  witness
    .command('keygen')
    .description(
      'Make the key of a witness, and the folder in which it remembers what it cosigned.',
    )
    .requiredOption(
      '--name <name>',
      'the name under which it signs, such as witness.example.org/w1',
    )
    .addHelpText(
      'after',
      `
Nothing that is there is overwritten. Example:
  aigov witness keygen --name witness.example.org/w1

Give the verifier key that it prints to whoever runs the log, and to everybody who is to require this witness.`,
    )
    .action((_options: unknown, command: Command) =>
      run(command, async (context) => {
        // Key and state are options of the command above this one, too.
        const { name, key, state } = command.optsWithGlobals<KeygenOptions>()
        const pair = generateAibomKeyPair()
        const verifierKey = makeVerifierKey(name, pair.publicKey.bytes, 'witness')
        if (existsSync(key)) throw usage(`${key} is there already, and a key is never overwritten.`)
        await makeWitnessFolder(state, verifierKey)
        try {
          await writeWhole(key, [pair.privateKeyPem], { mode: 0o600, force: false })
        } catch (error) {
          await removeWitnessFolder(state)
          throw error
        }
        const result = { verifier_key: verifierKeyText(verifierKey), private_key: key, state }
        context.result(result, () => [
          result.verifier_key,
          `private key: ${key} (keep it secret)`,
          `state:       ${state} (never put an older one in its place)`,
        ])
      }),
    )
}
