import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext } from 'node:test'
import { deriveIdentityKey } from '@ai-governance/common/callers/identity'
import type { Policies } from '../src/answers.ts'
import { type Audit, prepareAudit } from './audit-process.ts'
import { policyFolders, until } from './policy-folders.ts'
import { startService } from './service.ts'

/** A folder for what the tests of one file write. */
export const folder = mkdtempSync(join(tmpdir(), 'mcp-policy-record-'))
after(() => rmSync(folder, { recursive: true }))

/** The file with the key that mcp-policy signs by and mcp-audit verifies by. */
export const identityKey = join(folder, 'identity.key')
writeFileSync(identityKey, deriveIdentityKey('a secret', 'mcp-policy>mcp-audit'))

export async function startAudit(t: TestContext): Promise<Audit> {
  const audit = await prepareAudit(t, { folder, identityKey })
  await audit.start()
  return audit
}

export async function startPolicy(t: TestContext, env: Record<string, string>) {
  const service = await startService(
    { AUDIT_IDENTITY_KEY_PATH: identityKey, ...env },
    { lookEvery: 5 },
  )
  t.after(() => service.stop())
  const get = (url: string) => service.app.inject({ url })
  const policies = async (): Promise<Policies> => (await get('/policies')).json()
  const recorded = () => until(policies, (now) => now.recorded)
  return { ...service, get, policies, recorded }
}

export function startFolders(t: TestContext, files: Record<string, string>) {
  const folders = policyFolders(files)
  t.after(() => folders.remove())
  return folders
}

/** What passes between mcp-policy and mcp-audit. */
export interface Exchange {
  incoming: IncomingMessage
  outgoing: ServerResponse
  /** The true answer, all of it. */
  status: number
  text: string
}

/**
 * Stands between mcp-policy and a real mcp-audit. `tamper` may answer in its place, and says whether it did.
 *
 * @returns its address
 */
export async function startProxy(
  t: TestContext,
  audit: Audit,
  tamper: (exchange: Exchange) => boolean,
): Promise<string> {
  const server = createServer((incoming, outgoing) => {
    const { host: _, ...headers } = incoming.headers
    const to = { method: incoming.method, path: incoming.url, headers }
    const onwards = request(audit.url, to, async (answer) => {
      const { statusCode: status = 500 } = answer
      const text = Buffer.concat(await answer.toArray()).toString()
      if (tamper({ incoming, outgoing, status, text })) return
      outgoing.writeHead(status, { 'content-type': 'application/json' }).end(text)
    })
    onwards.on('error', () => incoming.socket.destroy())
    incoming.pipe(onwards)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  return `http://127.0.0.1:${port}`
}
