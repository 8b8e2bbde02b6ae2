import { randomUUID } from 'node:crypto'
import {
  IDENTITY_HEADER,
  serviceClaims,
  signIdentity,
} from '@ai-governance/common/callers/identity'

/**
 * What mcp-policy finds doubtful about its policies, `file:line:column code message` each. That a policy
 * has no tests is left out: nothing is wrong with it.
 *
 * @param url the address of a ready mcp-policy
 * @param key its identity key: it may take signed calls alone
 */
export async function policyWarnings(url: string, key: Buffer): Promise<string[]> {
  const target = '/policies'
  const requestId = randomUUID()
  const parties = { from: 'mcp-gateway', to: 'mcp-policy', scopes: ['policy:evaluate'] }
  const claims = serviceClaims(
    { ...parties, requestId, method: 'GET', target, body: '' },
    Date.now() / 1_000,
  )
  const headers = { 'x-request-id': requestId, [IDENTITY_HEADER]: signIdentity(claims, key) }
  const response = await fetch(url + target, { headers, signal: AbortSignal.timeout(2_000) })
  const { warnings } = (await response.json()) as { warnings: string[] }
  return warnings.filter((warning) => warning.split(' ')[1] !== 'no_tests')
}
