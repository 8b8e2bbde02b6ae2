import { EnvironmentError } from './environment.ts'
import type { App } from './server.ts'

/** Longest wait for requests in flight when the process is told to stop, in ms. */
const STOP_WITHIN = 9_000

export interface ServeOptions {
  host: string
  port: number
  metricsPort: number | undefined
  /** Closes what the service holds open, after the last answer. */
  onStopped?: () => Promise<void>
}

/**
 * Listens until SIGTERM or SIGINT, then stops accepting, lets requests in flight finish, closes what
 * the service holds and ends the process with 0. Rejects if a port cannot be had.
 */
export async function serve(app: App, options: ServeOptions): Promise<void> {
  await app.listen({ host: options.host, port: options.port })
  if (options.metricsPort) await app.metrics.listen(options.host, options.metricsPort)

  let stopping = false
  const stop = async (signal: string): Promise<void> => {
    if (stopping) return
    stopping = true
    app.log.info({ signal }, 'stopping')
    const cut = setTimeout(() => app.server.closeAllConnections(), STOP_WITHIN)
    await app.close()
    clearTimeout(cut)
    app.metrics.close()
    await options.onStopped?.()
    process.exit(0)
  }
  process.on('SIGTERM', (signal) => void stop(signal))
  process.on('SIGINT', (signal) => void stop(signal))
}

/**
 * Runs a service's main function. A configuration that must not start ends the process with exit code
 * 78 (EX_CONFIG of sysexits.h) and its sentences on standard error; any other failure with 1.
 */
export async function run(main: () => Promise<void>): Promise<void> {
  try {
    await main()
  } catch (error) {
    const known = error instanceof EnvironmentError
    process.stderr.write(`${known ? error.message : describe(error)}\n`)
    process.exit(known ? 78 : 1)
  }
}

function describe(error: unknown): string {
  const { code, port, stack } = error as { code?: string; port?: number; stack?: string }
  return code === 'EADDRINUSE'
    ? `Port ${port} is in use: end the program that listens there, or set PORT (for metrics METRICS_PORT) to another.`
    : (stack ?? String(error))
}
