import { type ErrorItem, GovernanceError } from './errors.ts'
import { isObject } from './json.ts'
import { type Effect, isOutcomeUnknown, parseRetryAfter } from './retry.ts'

/** The largest answer that is read into memory, in bytes; the gateway passes no larger one on. */
export const MAX_ANSWER_BYTES = 64 * 1_048_576
const MAX_PROBLEM_BYTES = 1_048_576

/** The bytes of an answer. Throws `answer_too_large`, or what reading throws. */
export async function readBytes(
  response: Response,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const tooLarge = () =>
    new GovernanceError('answer_too_large', `the answer is larger than ${maxBytes} bytes.`, {
      status: response.status,
    })
  if (Number(response.headers.get('content-length')) > maxBytes) {
    await response.body?.cancel()
    throw tooLarge()
  }
  const reader = response.body?.getReader()
  const parts: Uint8Array[] = []
  let size = 0
  for (;;) {
    const part = await reader?.read()
    if (!part || part.done) return joined(parts, size)
    parts.push(part.value)
    size += part.value.length
    if (size > maxBytes) {
      await reader?.cancel()
      throw tooLarge()
    }
  }
}

function joined(parts: readonly Uint8Array[], size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size)
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

/** The body of an answer as text. Throws `answer_too_large` or `invalid_answer`, or what reading throws. */
export async function readText(response: Response, maxBytes: number): Promise<string> {
  const bytes = await readBytes(response, maxBytes)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    const facts = { status: response.status, cause }
    throw new GovernanceError('invalid_answer', 'the answer is not UTF-8.', facts)
  }
}

/** The JSON of an answer. Throws `invalid_answer` for anything else. */
export async function readJson(response: Response): Promise<unknown> {
  const text = await readText(response, MAX_ANSWER_BYTES)
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new GovernanceError('invalid_answer', 'the answer is not JSON: is this the gateway?', {
      status: response.status,
      cause,
    })
  }
}

/** The error that an answer other than 200 says, whoever sent it. Throws what reading the body throws. */
export async function errorOf(
  response: Response,
  requestId: string,
  effect: Effect,
): Promise<GovernanceError> {
  // To a page a redirect has no status: a browser says 0 (Fetch, 2.2.6: opaque-redirect filtered response).
  const isOpaque = response.type === 'opaqueredirect'
  const status = isOpaque ? undefined : response.status
  const retryAfter = parseRetryAfter(response.headers.get('retry-after'), Date.now())
  const isProblem = response.headers.get('content-type')?.startsWith('application/problem+json')
  const problem = isProblem ? await readProblem(response) : null
  const outcomeUnknown = effect !== 'reads' && isOutcomeUnknown(status, problem?.code ?? null)
  const facts = { status, retryAfter, outcomeUnknown }
  if (problem) {
    return new GovernanceError(problem.code, problem.detail, {
      ...facts,
      requestId: problem.requestId ?? requestId,
      errors: problem.errors,
    })
  }
  await response.body?.cancel().catch(() => {})
  const isRedirect = status === undefined || (status >= 300 && status < 400)
  const what = isRedirect ? 'a redirect' : `status ${status}`
  const detail = `the answer is ${what} without problem details: is this the gateway?`
  return new GovernanceError('invalid_answer', detail, { ...facts, requestId })
}

interface ReadProblem {
  code: string
  detail: string
  requestId: string | undefined
  errors: ErrorItem[]
}

/** Problem details, as far as they are what they should be; null where they hold no code. */
async function readProblem(response: Response): Promise<ReadProblem | null> {
  let value: unknown
  try {
    value = JSON.parse(await readText(response, MAX_PROBLEM_BYTES))
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof GovernanceError) return null
    throw error
  }
  if (!isObject(value) || typeof value.code !== 'string') return null
  const { code, detail, request_id, errors } = value
  const items = Array.isArray(errors) ? errors.filter(isObject) : []
  return {
    code,
    detail: typeof detail === 'string' ? detail : code,
    requestId: typeof request_id === 'string' ? request_id : undefined,
    errors: items.map((item) => ({ path: String(item.path), message: String(item.message) })),
  }
}
