import { EnvironmentError } from '../environment.ts'
import { drain } from './draining.ts'
import type { App } from './server.ts'

/** When the process is told to stop: the longest wait for requests in flight, and for everything, in ms. */
const CUT_AFTER = 8_000
const EXIT_AFTER = 9_500

export interface ServeOptions {
  host: string
  port: number
  metricsPort: number | undefined
  /** Closes what the service holds open, after the last answer. */
  onStopped?: () => Promise<void>
}

/**
 * Listens until SIGTERM or SIGINT, then tells its peers to leave, stops accepting, lets requests in flight
 * finish, closes what the service holds and ends the process with 0. Rejects if a port cannot be had.
 */
export async function serve(app: App, options: ServeOptions): Promise<void> {
  await app.listen({ host: options.host, port: options.port })
  if (options.metricsPort) await app.metrics.listen(options.host, options.metricsPort)

  let stopping = false
  const stop = async (signal: string): Promise<void> => {
    if (stopping) return
    stopping = true
    app.log.info({ signal }, 'stopping')
    const cut = setTimeout(() => app.server.closeAllConnections(), CUT_AFTER)
    // Also where the database hangs: a supervisor that has to kill tells nobody why.
    setTimeout(() => process.exit(0), EXIT_AFTER).unref()
    await drain(app.server)
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

/** Errors of listening that somebody who sets variables can mend. */
const LISTEN_ERRORS: Record<string, string> = {
  EADDRINUSE:
    'is in use: end the program that listens there, or set PORT (for metrics METRICS_PORT) to another',
  EACCES: 'needs rights that this user does not have: set PORT (METRICS_PORT) to one above 1023',
  EADDRNOTAVAIL: 'is not on this machine: set HOST to 127.0.0.1 or another address of this machine',
  ENOTFOUND: 'cannot be found: set HOST to 127.0.0.1 or another address of this machine',
}

function describe(error: unknown): string {
  const { code, address, hostname, port, stack } = error as Record<string, string | undefined>
  const advice = LISTEN_ERRORS[code ?? '']
  if (!advice) return stack ?? String(error)
  const where = port ? `${address ?? hostname}:${port}` : (address ?? hostname)
  return `${where} ${advice}.`
}
