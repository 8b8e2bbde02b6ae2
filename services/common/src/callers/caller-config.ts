import { z } from 'zod'
import { EnvironmentError, flag } from '../environment.ts'
import { isLoopback } from '../http/loopback.ts'

/** What every service behind the gateway reads to know who calls. */
export const callerVariables = {
  IDENTITY_KEY_PATH: z
    .string()
    .optional()
    .describe(
      'the path of the file with the key under which the gateway signs its calls, or unset',
    ),
  IDENTITY_REQUIRED: flag.default(true).describe('true or false'),
  GATEWAY_BIND: z
    .string()
    .optional()
    .describe('the host address on which the gateway is published, for example 127.0.0.1'),
}

/** What {@link callerVariables} become. */
export interface CallerConfig {
  IDENTITY_KEY_PATH?: string | undefined
  IDENTITY_REQUIRED: boolean
  GATEWAY_BIND?: string | undefined
}

/** Whether a call without `X-MCP-Identity` is taken, for `anonymous`, who may do everything. */
export function takesUnsigned(config: CallerConfig): boolean {
  return config.IDENTITY_KEY_PATH === undefined || !config.IDENTITY_REQUIRED
}

/**
 * Unsigned calls are for a stack that only its own machine can reach.
 *
 * @throws EnvironmentError where others could reach this service or the gateway in front of it
 */
export function assertOnlyKnownCallers(config: CallerConfig & { HOST: string }): void {
  const { HOST, GATEWAY_BIND } = config
  if (!takesUnsigned(config)) return
  if (isLoopback(HOST) || (GATEWAY_BIND !== undefined && isLoopback(GATEWAY_BIND))) return
  const cause =
    config.IDENTITY_KEY_PATH === undefined
      ? 'IDENTITY_KEY_PATH is not set'
      : 'IDENTITY_REQUIRED is false'
  throw new EnvironmentError([
    `${cause}, so everybody who can connect could do everything, and HOST lets more connect than this machine: set ` +
      'IDENTITY_KEY_PATH to the file with the key of this service (docs/OPERATIONS.md, "Identity keys"; IDENTITY_REQUIRED ' +
      'unset or true), or HOST to 127.0.0.1, or, where a container runtime publishes the gateway on loopback alone, ' +
      'GATEWAY_BIND to that address.',
  ])
}
