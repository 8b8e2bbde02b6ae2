import { parentPort, workerData } from 'node:worker_threads'
import { Database } from '@ai-governance/common/database'
import { AuditStore } from './audit-store.ts'
import type { Config } from './config.ts'
import { type VerifyRequest, verifyChain } from './verify-chain.ts'

const { config, request } = workerData as { config: Config; request: VerifyRequest }
const database = new Database({
  url: config.DATABASE_URL,
  passwordFile: config.DATABASE_PASSWORD_FILE,
  applicationName: 'mcp-audit verify',
  maxConnections: 1,
  onError: () => {},
})
try {
  parentPort?.postMessage(await verifyChain(new AuditStore(database), request))
} finally {
  await database.close()
}
