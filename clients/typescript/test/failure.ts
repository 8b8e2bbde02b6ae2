import assert from 'node:assert/strict'
import { GovernanceError } from '../src/errors.ts'

/** The error that a call must fail with. */
export async function failure(call: Promise<unknown>): Promise<GovernanceError> {
  const error = await call.then(
    () => assert.fail('the call did not fail'),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof GovernanceError, String(error))
  return error
}
