import { constants } from 'node:os'

const running = new Set<() => Promise<unknown>>()

/** Runs `work` and then `stop`; a signal meanwhile runs `stop` too. */
export async function stopping<Result>(
  stop: () => Promise<unknown>,
  work: () => Promise<Result>,
): Promise<Result> {
  running.add(stop)
  try {
    return await work()
  } finally {
    running.delete(stop)
    await stop()
  }
}

/**
 * From now on a signal stops what runs, the last first, then calls `last`, and ends this process. One is all it takes:
 * whoever started this process passes on what a terminal has told it already.
 */
export function stopOnSignals(last: () => void): void {
  let isStopping = false
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, async () => {
      if (isStopping) return
      isStopping = true
      for (const stop of [...running].reverse()) await stop().catch(() => {})
      last()
      process.exit(128 + constants.signals[name])
    })
  }
}
