import type { Command } from 'commander'
import { addAibomKeygen } from './aibom-keygen.ts'
import { addAibomSign } from './aibom-sign.ts'
import { addAibomVerify } from './aibom-verify.ts'
import type { Runner } from './context.ts'

/** `aigov aibom …` */
export function addAibom(program: Command, run: Runner): void {
  const aibom = program
    .command('aibom')
    .description('Make keys for, sign and verify bills of materials, offline.')
    .helpCommand(false)
    .addHelpText(
      'after',
      `
Examples:
  aigov aibom keygen
  aigov aibom sign bom.json --key aibom_private_key.pem --out signed.json
  aigov aibom verify signed.json --keys aibom_public_key.pem`,
    )
  addAibomKeygen(aibom, run)
  addAibomSign(aibom, run)
  addAibomVerify(aibom, run)
}
