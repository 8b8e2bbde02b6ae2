import { statSync } from 'node:fs'
import type { Database } from '@ai-governance/common/database/database'
import { registerDatabaseMetrics } from '@ai-governance/common/database/database-metrics'
import { batchHistograms } from '@ai-governance/common/database/log-queue'
import { ApiError } from '@ai-governance/common/errors'
import type { Metrics } from '@ai-governance/common/observability/metrics'
import type { AppenderEvents } from './appender.ts'
import type { AuditStore } from './audit-store.ts'
import type { SignerEvents } from './signer/signer.ts'
import { readState } from './signer/signer-state.ts'

/** What the parts of mcp-audit report to, as it happens. */
export interface AuditCounters extends AppenderEvents, SignerEvents {
  /** Hears how many entries an erasure or a run of retention took the details of. */
  onErased: (count: number) => void
}

/** What mcp-audit counts; the names are in docs/API.md. */
export function auditCounters(metrics: Metrics): AuditCounters {
  const signings = metrics.counter({
    name: 'governance_signings_total',
    help: 'Attempts to sign a checkpoint, by what came of them',
    labels: { outcome: ['signed', 'refused', 'failed'] },
  })
  const erased = metrics.counter({
    name: 'governance_erased_entries_total',
    help: 'Entries whose details were erased',
  })
  return {
    onBatch: batchHistograms(metrics, { what: 'append', items: 'Events' }),
    onSigning: (error) => {
      const isRefused = error instanceof ApiError && error.code === 'signer_refused'
      signings.inc({ outcome: error === null ? 'signed' : isRefused ? 'refused' : 'failed' })
    },
    onErased: (count) => erased.inc(count),
  }
}

export interface AuditParts {
  database: Database
  store: AuditStore
  appender: { readonly waiting: number }
  /** Where the state of the signer is, if anywhere. */
  stateFile: string | undefined
}

/** What mcp-audit shows of its state. The log and the checkpoint are what all replicas have in common. */
export function registerAuditMetrics(metrics: Metrics, parts: AuditParts): void {
  const { database, store, appender, stateFile } = parts
  registerDatabaseMetrics(metrics, database)
  metrics.gauge(
    { name: 'governance_append_waiting', help: 'Events that wait for the next batch' },
    () => appender.waiting,
  )
  const head = oneAtATime(() => store.head())
  metrics.gauge(
    { name: 'governance_log_entries', help: 'The id of the last entry of the log' },
    async () => (await head()).id,
  )
  metrics.gauge(
    {
      name: 'governance_log_last_entry_timestamp_seconds',
      help: 'When the last entry was appended; not there while the log is empty',
    },
    async () => {
      const { createdAtUs } = await head()
      return createdAtUs === null ? null : createdAtUs / 1e6
    },
  )
  if (stateFile === undefined) return
  metrics.gauge(
    { name: 'governance_checkpoint_entries', help: 'Entries that the last checkpoint is about' },
    () => readState(stateFile)?.size ?? null,
  )
  metrics.gauge(
    {
      name: 'governance_checkpoint_timestamp_seconds',
      help: 'When a checkpoint over more entries than before was signed last',
    },
    () => statSync(stateFile).mtimeMs / 1000,
  )
}

/** Calls that come while one is under way get its result: a database that hangs is asked once, not at each scrape. */
function oneAtATime<Result>(ask: () => Promise<Result>): () => Promise<Result> {
  let running: Promise<Result> | null = null
  return () => {
    running ??= ask().finally(() => {
      running = null
    })
    return running
  }
}
