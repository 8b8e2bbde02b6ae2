import { ask } from './ask.ts'
import type { Upstream, Upstreams } from './upstreams.ts'

/** How long an answer about readiness is good, and how long a service may take for it, in ms. */
const FRESH_FOR = 1_000
const WITHIN = 2_000

/** Makes the function that names the services that are not ready. Many probes at once ask only once. */
export function readinessOf(upstreams: Upstreams): () => Promise<string[]> {
  let askedAt = Number.NEGATIVE_INFINITY
  let answer: Promise<string[]>
  return () => {
    const now = performance.now()
    if (now - askedAt >= FRESH_FOR) {
      askedAt = now
      answer = missingOf(upstreams)
    }
    return answer
  }
}

async function missingOf(upstreams: Upstreams): Promise<string[]> {
  const services = [...upstreams.values()]
  const ready = await Promise.all(services.map(isReady))
  return services.filter((_, i) => !ready[i]).map(({ name }) => name)
}

async function isReady({ probes }: Upstream): Promise<boolean> {
  try {
    const { status } = await ask(probes, { method: 'GET', path: '/readyz' }, WITHIN)
    return status === 200
  } catch {
    // Whatever the reason, and the reason shows in the service's own log: it is not ready.
    return false
  }
}
