import { startServer } from '../faults/server.ts'
import { type Stack, startStack } from './stack.ts'

/**
 * The real services over a PostgreSQL of their own, for programs that no test runner started. Ended by `cleanup`, also
 * when this throws; `folder` is a new one.
 */
export async function startOwnStack(folder: string, cleanup: AsyncDisposableStack): Promise<Stack> {
  const server = await startServer(folder)
  cleanup.defer(() => server.stop())
  const stack = await startStack(server, { records: true })
  cleanup.defer(() => stack.stop())
  return stack
}
