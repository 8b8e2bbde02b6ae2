import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { freePort } from '@ai-governance/infra/local/ports'
import { SignJWT } from 'jose'
import {
  AUDIENCE,
  CLIENT_SECRET,
  type Clients,
  newProvider,
  newSigningKey,
  type SigningKey,
} from './oidc-provider.ts'

export { AUDIENCE, newSigningKey, type SigningKey }

/** An OpenID provider as others run it, on a port of its own. */
export class Issuer {
  readonly url: string
  readonly #port: number
  readonly #clients: Clients
  readonly asked: string[] = []
  #answer: RequestListener | null = null
  #server = createServer((request, response) => {
    this.asked.push(request.url ?? '')
    if (this.#answer) this.#answer(request, response)
    else response.writeHead(503).end()
  })

  constructor(port: number, clients: Clients) {
    this.#port = port
    this.#clients = clients
    this.url = `http://127.0.0.1:${port}`
  }

  /** From now on there are these keys; the first one signs. */
  async useKeys(...keys: SigningKey[]): Promise<void> {
    const provider = await newProvider(this.url, keys, this.#clients)
    this.#answer = provider.callback()
  }

  /** Answers as it is told, instead of as a provider. */
  answerWith(answer: RequestListener): void {
    this.#answer = answer
  }

  async listen(t: TestContext): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(this.#port, '127.0.0.1', resolve))
    t.after(() => this.close())
  }

  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }

  /** A token by the client-credentials grant. */
  async token(client: string, scope: string): Promise<string> {
    const response = await fetch(`${this.url}/token`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from(`${client}:${CLIENT_SECRET}`).toString('base64')}`,
      },
      body: new URLSearchParams({ grant_type: 'client_credentials', scope }),
    })
    const answer = (await response.json()) as { access_token?: string }
    if (!answer.access_token) throw new Error(JSON.stringify(answer))
    return answer.access_token
  }
}

export async function newIssuer(clients: Clients): Promise<Issuer> {
  return new Issuer(await freePort(), clients)
}

/** Somebody's server, to whom no request must come. */
export async function startTrap(
  t: TestContext,
): Promise<{ url: string; asked: IncomingMessage[] }> {
  const asked: IncomingMessage[] = []
  const server = createServer((request, response) => {
    asked.push(request)
    response.end('{"keys":[]}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}

const now = () => Math.floor(Date.now() / 1_000)

/** A token as the issuer would make it but for what is changed; undefined takes a claim away. */
export function craft(
  issuer: Issuer,
  key: Pick<SigningKey, 'kid' | 'privateKey'>,
  claims: Record<string, unknown> = {},
  header: Record<string, unknown> = {},
): Promise<string> {
  const all = {
    ...{ iss: issuer.url, aud: AUDIENCE, sub: 'someone', scope: 'admin' },
    ...{ iat: now(), exp: now() + 300, jti: 'x' },
    ...claims,
  }
  return new SignJWT(all)
    .setProtectedHeader({ alg: 'RS256', typ: 'at+jwt', kid: key.kid, ...header })
    .sign(key.privateKey)
}

export { now }
