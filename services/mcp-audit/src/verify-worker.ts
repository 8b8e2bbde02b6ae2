import { parentPort, workerData } from 'node:worker_threads'
import { Database } from '@ai-governance/common/database/database'
import { ApiError } from '@ai-governance/common/errors'
import { AuditStore } from './audit-store.ts'
import type { Config } from './config.ts'
import { readStateOrRefuse } from './signer/signer-state.ts'
import { TreeStore } from './tree-store.ts'
import type { Outcome } from './verifier.ts'
import { type VerifyRequest, verifyChain } from './verify-chain.ts'

const { config, request } = workerData as { config: Config; request: VerifyRequest }
const database = new Database({
  url: config.DATABASE_URL,
  passwordFile: config.DATABASE_PASSWORD_FILE,
  applicationName: 'mcp-audit verify',
  onError: () => {},
})
const outcome: Outcome = await verify().then(
  (verdict) => ({ verdict }),
  (error: unknown) => {
    // Anything else ends the thread, and with it the request, as an error inside.
    if (error instanceof ApiError) return { code: error.code, detail: error.detail }
    throw error
  },
)
await database.close()
parentPort?.postMessage(outcome)

async function verify() {
  // Read before the log, which only grows: what was signed must then be in it.
  const stateFile = config.AUDIT_SIGNER_STATE_PATH
  const signed = stateFile === undefined ? null : readStateOrRefuse(stateFile)
  const trees = new TreeStore(database).reader()
  return verifyChain(new AuditStore(database), trees, request, signed)
}
