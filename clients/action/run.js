import { createHash, randomBytes, randomUUID } from 'node:crypto'

/**
 * The id of the request, which the entry keeps: it names the run and its attempt, so that whoever reads the log
 * finds the job. 1–64 of `A-Za-z0-9._-`.
 *
 * @param {Record<string, string | undefined>} env with the variables `GITHUB_*` of the job
 */
export function makeRequestId({ GITHUB_RUN_ID: run = '', GITHUB_RUN_ATTEMPT: attempt = '' }) {
  const isRun = isRunId(run) && /^[0-9]{1,9}$/.test(attempt)
  return isRun ? `gate-${run}-${attempt}-${randomBytes(8).toString('hex')}` : `gate-${randomUUID()}`
}

/**
 * The `Idempotency-Key`: the same for every attempt of one run, so that a job that is run again gets the decision that is on
 * record and not a second one. What is asked is part of it, because the legs of a matrix share all the rest.
 * Outside of a run there is nothing to come back to, and the key is a new one.
 *
 * @param {Record<string, string | undefined>} env with the variables `GITHUB_*` of the job
 * @param {string} body of the request
 */
export function idempotencyKey(env, body) {
  const run = env.GITHUB_RUN_ID ?? ''
  if (!isRunId(run)) return `gate-${randomUUID()}`
  const names = ['GITHUB_SERVER_URL', 'GITHUB_REPOSITORY', 'GITHUB_JOB', 'GITHUB_ACTION']
  const step = [run, ...names.map((name) => env[name] ?? ''), body]
  return `gate-${run}-${createHash('sha256').update(JSON.stringify(step)).digest('hex')}`
}

/** @param {string} text */
const isRunId = (text) => /^[0-9]{1,20}$/.test(text)
