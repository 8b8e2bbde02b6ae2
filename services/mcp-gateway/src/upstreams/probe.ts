import type { Replica, ReplicaState } from './replica.ts'
import { isNotConnected } from './upstream-fault.ts'

/**
 * Asks a replica whether it serves, and says what to think of it. Any answer below 500 will do: a service that
 * has no `/healthz` serves too. One that ends the connection says that it is stopping. Never rejects.
 */
export async function probe(replica: Replica, ms: number): Promise<ReplicaState> {
  const late = AbortSignal.timeout(ms)
  try {
    const { statusCode, headers, body } = await replica
      .pool('probes')
      .request({ method: 'GET', path: '/healthz', signal: late })
    await body.dump()
    return statusCode >= 500 || closes(headers.connection) ? 'stopping' : 'up'
  } catch (error) {
    // Why it does not answer shows in the service's own log.
    return isNotConnected(error as Error) ? 'down' : 'silent'
  }
}

/** Whether a `Connection` header says that the connection ends with this answer. */
export function closes(connection: string | string[] | undefined): boolean {
  return typeof connection === 'string' && connection.toLowerCase() === 'close'
}
