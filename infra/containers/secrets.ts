// Makes the passwords of the compose stack and the keys that its services know each other by, one volume for each
// container that needs some, and the key that signs checkpoints with its state. It runs before all others that need one, so it also judges .env.
//
//   node infra/containers/secrets.ts                     makes what is missing
//   node infra/containers/secrets.ts rotate <name> ...   makes new ones: owner, lineage_service, audit_service, identity
//   node infra/containers/secrets.ts new-origin          keeps the signing key and its state aside, makes new ones
//
// Exit codes: 0 done; 1 not done, with a sentence on standard error. A key without its state, or the other way
// round, is a warning there and no failure: the log is kept without signatures too. No secret is ever printed.
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Failure } from '../failure.ts'
import {
  CALLED_SERVICES,
  ensureIdentityKeys,
  type IdentityFiles,
  POLICY_TO_AUDIT,
  rotateIdentityKeys,
  writeSecret,
} from '../identity-keys.ts'
import { beginOrigin, ensureSigner, type SignerFiles } from '../signing-key.ts'
import { readComposeSettings } from './compose-settings.ts'

/** Each password, and the containers that hold a copy of it in their volume. */
const holders = {
  owner: ['db', 'db-migrate'],
  lineage_service: ['db-migrate', 'mcp-lineage'],
  audit_service: ['db-migrate', 'mcp-audit'],
} as const

type Name = keyof typeof holders
const names = Object.keys(holders) as Name[]
/** The secret and the keys that services sign and verify calls with. */
const IDENTITY = 'identity'

/** Readable by the group that the database's container is given. */
const MODE = 0o440

/** Each service gets its own key alone, the gateway the secret that all of them follow from. */
export function identityFiles(folder: string): IdentityFiles {
  return {
    secretFile: join(folder, 'mcp-gateway', 'identity_secret'),
    keys: {
      ...Object.fromEntries(
        CALLED_SERVICES.map((name) => [name, [join(folder, name, 'identity_key')]]),
      ),
      [POLICY_TO_AUDIT]: [
        join(folder, 'mcp-policy', 'audit_identity_key'),
        join(folder, 'mcp-audit', 'policy_identity_key'),
      ],
    },
  }
}

/**
 * Makes what is missing in the volumes below `folder`. What is there is kept: an interrupted run is
 * completed by the next.
 *
 * @param chosen the owner's password if a person chose it; else, as for the services, 192 random bits
 * @returns the names of what was made now
 * @throws Failure where copies differ, or the owner's is not the chosen one
 */
export function makeSecrets(folder: string, chosen: string | undefined): string[] {
  const known = new Map(names.map((name) => [name, currentOf(folder, name)]))
  const owner = known.get('owner')
  if (owner !== undefined && chosen !== undefined && owner !== chosen) {
    throw new Failure(
      'POSTGRES_PASSWORD in .env is not the password that the database was made with: put the former one back or take it out, or change it as docs/OPERATIONS.md says under "Rotate".',
    )
  }
  for (const name of names) {
    const value = known.get(name) ?? ((name === 'owner' && chosen) || random())
    for (const file of filesOf(folder, name)) if (!existsSync(file)) writeSecret(file, value, MODE)
  }
  const made: string[] = names.filter((name) => known.get(name) === undefined)
  return ensureIdentityKeys(identityFiles(folder), MODE) ? [...made, IDENTITY] : made
}

/** Makes anew what is named; the owner's password is the chosen one, if there is one. */
export function rotateSecrets(
  folder: string,
  which: readonly string[],
  chosen: string | undefined,
): void {
  const all: readonly string[] = [...names, IDENTITY]
  if (which.length === 0 || which.some((name) => !all.includes(name))) {
    throw new Failure(`Say what to make anew: one or more of ${all.join(', ')}.`)
  }
  if (which.includes(IDENTITY)) rotateIdentityKeys(identityFiles(folder), MODE)
  for (const name of names.filter((name) => which.includes(name))) {
    const value = (name === 'owner' && chosen) || random()
    for (const file of filesOf(folder, name)) writeSecret(file, value, MODE)
  }
}

const random = () => randomBytes(24).toString('base64url')

const filesOf = (folder: string, name: Name) => holders[name].map((at) => join(folder, at, name))

function currentOf(folder: string, name: Name): string | undefined {
  const values = filesOf(folder, name)
    .filter((file) => existsSync(file))
    .map((file) => readFileSync(file, 'utf8').trim())
  if (new Set(values).size <= 1 && values[0] !== '') return values[0]
  throw new Failure(
    `The copies of the password ${name} differ or are empty, perhaps after an interrupted change: make a new one as docs/OPERATIONS.md says under "Rotate".`,
  )
}

const signer: SignerFiles = {
  keyFile: '/signer/key/key.pem',
  stateFile: '/signer/state/state.json',
}

async function main([command, ...which]: string[]): Promise<void> {
  const settings = readComposeSettings('/checkout')
  const password = settings.get('POSTGRES_PASSWORD')
  const origin = settings.get('AUDIT_ORIGIN')
  if (command === undefined) {
    const made = makeSecrets('/secrets', password)
    const news = await ensureSigner(signer, origin)
    if (news.made) made.push(`the signing key ${news.made}`)
    if (news.warning) console.error(`Warning: ${news.warning}`)
    console.error(made.length > 0 ? `Made: ${made.join(', ')}.` : 'Nothing was missing.')
  } else if (command === 'rotate') {
    rotateSecrets('/secrets', which, password)
    console.error(`Made anew: ${which.join(', ')}.`)
  } else if (command === 'new-origin') {
    console.error(`Made anew: the signing key ${await beginOrigin(signer, origin, new Date())}.`)
  } else {
    throw new Failure(`There is no command "${command}": say nothing, rotate, or new-origin.`)
  }
}

if (import.meta.main) {
  try {
    await main(process.argv.slice(2))
  } catch (error) {
    console.error(error instanceof Failure ? error.message : error)
    process.exitCode = 1
  }
}
