import { request } from 'node:http'

/** What `/readyz` of a service answers. */
export interface Readiness {
  status: number
  /** What it lacks, as it names it; empty where it does not say. */
  missing: string[]
}

/** Asks once; undefined without an answer. */
export function readinessAt(url: string): Promise<Readiness | undefined> {
  return new Promise((resolve) => {
    const call = request(url, { agent: false, timeout: 2_000 }, async (response) => {
      const status = response.statusCode as number
      try {
        const text = (await response.setEncoding('utf8').toArray()).join('')
        resolve({ status, missing: status === 503 ? missingIn(text) : [] })
      } catch {
        resolve(undefined)
      }
    })
    call.on('timeout', () => call.destroy())
    call.on('error', () => resolve(undefined))
    call.end()
  })
}

/** The paths of `errors` of a problem. */
function missingIn(text: string): string[] {
  let problem: { errors?: unknown } | null
  try {
    problem = JSON.parse(text)
  } catch {
    return []
  }
  const errors: unknown[] = Array.isArray(problem?.errors) ? problem.errors : []
  return errors.map((error) => (error as { path?: unknown } | null)?.path).filter(isText)
}

const isText = (value: unknown): value is string => typeof value === 'string'
