import { ApiError } from '@ai-governance/common/errors'

/**
 * What `read` finds of a change that was committed just now. Where it cannot be read the answer is `outcome_unknown`:
 * with any other code a client takes it that nothing was changed, and changes it again.
 */
export async function readBack<Found>(read: Promise<Found>): Promise<Found> {
  try {
    return await read
  } catch (cause) {
    throw new ApiError('outcome_unknown', undefined, { cause })
  }
}
