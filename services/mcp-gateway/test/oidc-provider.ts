import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { exportJWK } from 'jose'
import { type ClientMetadata, Provider } from 'oidc-provider'

/** For whom tokens are, unless their client asks for another `resource`. */
export const AUDIENCE = 'https://gov.example.org'
/** Of each client. */
export const CLIENT_SECRET = 'a-secret-of-a-client-that-a-test-made'
/** The client whose tokens count for a second. */
export const BRIEF_CLIENT = 'brief'

/** A key of an issuer; `kid` is what its tokens call it. */
export interface SigningKey {
  kid: string
  privateKey: KeyObject
  publicKey: KeyObject
}

export function newSigningKey(kid: string): SigningKey {
  return { kid, ...generateKeyPairSync('rsa', { modulusLength: 2_048 }) }
}

/** The clients that an issuer knows, and the scopes that each may ask for. */
export type Clients = Record<string, string>

/** An OpenID provider as others run it, for the client-credentials grant; the first key signs. */
export async function newProvider(
  issuer: string,
  keys: readonly SigningKey[],
  clients: Clients,
): Promise<Provider> {
  const jwks = await Promise.all(
    keys.map(async ({ kid, privateKey }) => ({
      ...(await exportJWK(privateKey)),
      ...{ kid, alg: 'RS256', use: 'sig' },
    })),
  )
  const metadata = Object.entries(clients).map(
    ([client_id, scope]): ClientMetadata => ({
      ...{ client_id, client_secret: CLIENT_SECRET, scope },
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: [],
    }),
  )
  const scope = Object.values(clients).join(' ')
  return new Provider(issuer, {
    jwks: { keys: jwks },
    clients: metadata,
    scopes: [...new Set(scope.split(' '))],
    ttl: { ClientCredentials: (_, __, client) => (client.clientId === BRIEF_CLIENT ? 1 : 600) },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => AUDIENCE,
        getResourceServerInfo: (_, resource) => ({
          ...{ scope, audience: resource, accessTokenFormat: 'jwt' },
          jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
  })
}
