import {
  assertOnlyKnownCallers,
  callerVariables,
} from '@ai-governance/common/callers/caller-config'
import {
  databaseVariables,
  readEnvironment,
  serverVariables,
} from '@ai-governance/common/environment'

/** Everything this service reads from an environment. Throws `EnvironmentError` with what to do about it. */
export function readConfig(env: Record<string, string | undefined> = process.env) {
  const config = readEnvironment(
    { ...serverVariables, ...callerVariables, ...databaseVariables },
    env,
  )
  assertOnlyKnownCallers(config)
  return config
}

export type Config = ReturnType<typeof readConfig>
