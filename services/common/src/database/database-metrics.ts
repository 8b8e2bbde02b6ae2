import type { Metrics } from '../observability/metrics.ts'
import type { Database, PoolState } from './database.ts'

/**
 * Shows the connections of a service to its database. One gauge for each state, because callers that wait are no
 * connections, and a sum over them would mean nothing.
 */
export function registerDatabaseMetrics(metrics: Metrics, database: Database): void {
  const show = (state: keyof PoolState, name: string, help: string) =>
    metrics.gauge({ name, help, label: 'pool' }, () =>
      Object.fromEntries(
        Object.entries(database.connections()).map(([pool, states]) => [pool, states[state]]),
      ),
    )
  show('used', 'governance_database_connections_used', 'Connections to the database in use')
  show('idle', 'governance_database_connections_idle', 'Connections to the database at hand')
  show(
    'waiting',
    'governance_database_waiting',
    'Callers that wait for a connection to the database',
  )
  metrics.gauge(
    {
      name: 'governance_database_up',
      help: 'Whether the database answers and can be written, 0 or 1',
    },
    async () => Number((await database.missing()).length === 0),
  )
}
