import assert from 'node:assert/strict'
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs'
import { request } from 'node:https'
import { join } from 'node:path'
import { CLIENT_SECRET, type Clients } from '../../services/mcp-gateway/test/oidc-provider.ts'
import { makeAuthority } from '../test-support/authority.ts'
import type { ComposeStack } from './compose-stack.ts'

/** As docs/OPERATIONS.md writes it. */
const HOST = 'id.example.org'
const URL = `https://${HOST}`
/** What adds the issuer to the stack, beside the compose files of the checkout. */
export const COMPOSE_FILE = 'issuer/docker-compose.json'
const checkout = join(import.meta.dirname, '..', '..')
const healthy = `fetch('${URL}/.well-known/openid-configuration').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))`

/** The service `issuer`, on the network that docker-compose.oidc.yml makes for it, from the packages of this checkout. */
const composeFile = (folder: string) => ({
  services: {
    issuer: {
      image: 'node:26-bookworm-slim',
      init: true,
      command: ['node', '/checkout/infra/smoke/issuer.ts'],
      environment: { NODE_EXTRA_CA_CERTS: '/issuer/authority.pem' },
      volumes: [`${checkout}:/checkout:ro`, `${folder}:/issuer:ro`],
      networks: { provider: { aliases: [HOST] } },
      ports: ['127.0.0.1::443'],
      healthcheck: {
        test: ['CMD', 'node', '-e', healthy],
        ...{ interval: '2s', timeout: '5s', retries: 30 },
      },
    },
  },
})

/** Makes a provider ready under an authority of its own, whose certificate it puts into infra/keys. */
export async function prepareIssuer(stack: ComposeStack, clients: Clients): Promise<void> {
  const folder = join(stack.folder, 'issuer')
  mkdirSync(folder)
  const { certificate } = await makeAuthority(folder, { type: 'dns', value: HOST })
  copyFileSync(certificate, join(stack.folder, 'infra', 'keys', 'provider-ca.pem'))
  writeFileSync(join(folder, 'issuer.json'), JSON.stringify({ url: URL, clients }))
  writeFileSync(join(stack.folder, COMPOSE_FILE), JSON.stringify(composeFile(folder)))
  for (const name of readdirSync(folder)) chmodSync(join(folder, name), 0o644)
  chmodSync(join(stack.folder, 'infra', 'keys', 'provider-ca.pem'), 0o644)
}

/** Where the port 443 of the issuer is on this machine: another one after each start. */
async function portOf(stack: ComposeStack): Promise<number> {
  const { stdout } = await stack.compose(['port', 'issuer', '443'])
  return Number(stdout.trim().split(':').at(-1))
}

/**
 * A token by the client-credentials grant.
 *
 * @param resource for whom, if not for the gateway
 */
export async function tokenOf(
  stack: ComposeStack,
  { client, scope, resource }: { client: string; scope: string; resource?: string },
): Promise<string> {
  const form = { grant_type: 'client_credentials', scope, ...(resource && { resource }) }
  const port = await portOf(stack)
  const text = await new Promise<string>((resolve, reject) => {
    const options = {
      ...{ host: '127.0.0.1', port, servername: HOST, path: '/token', method: 'POST' },
      ...{ auth: `${client}:${CLIENT_SECRET}`, agent: false },
      ca: readFileSync(join(stack.folder, 'issuer', 'authority.pem')),
      headers: { host: HOST, 'content-type': 'application/x-www-form-urlencoded' },
    }
    const call = request(options, async (response) => {
      resolve((await response.setEncoding('utf8').toArray()).join(''))
    })
    call.on('error', reject)
    call.end(String(new URLSearchParams(form)))
  })
  const { access_token: token } = JSON.parse(text)
  assert.equal(typeof token, 'string', text)
  return token
}

/** What lets the curl of a shell find the issuer by its name, and the secret of its clients. */
export async function shellPrelude(stack: ComposeStack): Promise<string> {
  const to = `connect-to = "${HOST}:443:127.0.0.1:${await portOf(stack)}"\n`
  writeFileSync(join(stack.folder, 'issuer', '.curlrc'), to)
  return `export CURL_HOME="$PWD/issuer" CLIENT_SECRET='${CLIENT_SECRET}'\n`
}
