import { Failure } from '../failure.ts'
import type { ComposeStack } from './compose-stack.ts'

/** Where each password of the stack, its signing key and its identity key can be read by its own container. */
const files = {
  owner: ['db', '/run/secrets/db/owner'],
  lineage_service: ['mcp-lineage', '/run/secrets/mcp-lineage/lineage_service'],
  audit_service: ['mcp-audit', '/run/secrets/mcp-audit/audit_service'],
  identity_secret: ['mcp-gateway', '/run/secrets/mcp-gateway/identity_secret'],
  lineage_identity: ['mcp-lineage', '/run/secrets/mcp-lineage/identity_key'],
  policy_identity: ['mcp-policy', '/run/secrets/mcp-policy/identity_key'],
  audit_identity: ['mcp-audit', '/run/secrets/mcp-audit/identity_key'],
  identity_key: ['mcp-policy', '/run/secrets/mcp-policy/audit_identity_key'],
  signing_key: ['mcp-audit', '/signer/key/key.pem'],
} as const

export type SecretName = keyof typeof files

/** A secret as the container that needs it reads it; of a key the one line between those of PEM. */
export async function secretOf(stack: ComposeStack, name: SecretName): Promise<string> {
  const [service, path] = files[name]
  const { stdout } = await stack.compose(['exec', '-T', service, 'cat', path])
  return stdout.replaceAll(/^-----.*-----$/gm, '').trim()
}

/**
 * Looks for the stack's secrets where they must not be: in what `docker inspect` says of containers and
 * images, in the history of the images, in the logs. One line for each find; empty when there is none.
 */
export async function findSecrets(stack: ComposeStack): Promise<string[]> {
  const names = Object.keys(files) as SecretName[]
  const secrets = await Promise.all(names.map((name) => secretOf(stack, name)))
  if (secrets.some((value) => value.length < 8) || new Set(secrets).size !== secrets.length) {
    throw new Failure('The secrets of the stack could not be read, so nothing can be searched.')
  }
  const places = await placesOf(stack)
  return [...places].flatMap(([place, text]) =>
    names
      // JSON text as well: an unusual password is escaped there.
      .filter((_, i) => spellings(secrets[i] as string).some((value) => text.includes(value)))
      .map((name) => `the secret ${name} is in ${place}`),
  )
}

const spellings = (value: string) => [value, JSON.stringify(value).slice(1, -1)]

async function placesOf(stack: ComposeStack): Promise<Map<string, string>> {
  const places = new Map<string, string>()
  const containers = await stack.containers()
  for (const facts of containers) places.set(`inspect of ${facts.Name}`, JSON.stringify(facts))
  for (const image of new Set(containers.map(({ Image }) => Image))) {
    const history = await stack.docker(['history', '--no-trunc', image])
    places.set(`history of ${image}`, history.stdout)
    places.set(`inspect of ${image}`, (await stack.docker(['inspect', image])).stdout)
  }
  places.set('the logs', await stack.logs())
  return places
}
