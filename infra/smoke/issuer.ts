// An identity provider in a container beside the stack, as scenarios/oidc.ts starts it: by https on port 443, with a
// key that is made anew at each start. What it needs for that is in the folder /issuer.
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { newProvider, newSigningKey } from '../../services/mcp-gateway/test/oidc-provider.ts'

const { url, clients } = JSON.parse(readFileSync('/issuer/issuer.json', 'utf8'))
const provider = await newProvider(url, [newSigningKey(randomUUID())], clients)
const files = {
  key: readFileSync('/issuer/key.pem'),
  cert: readFileSync('/issuer/server.pem'),
}
createServer(files, provider.callback()).listen(443)
process.on('SIGTERM', () => process.exit(0))
