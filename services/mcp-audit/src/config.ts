import {
  databaseVariables,
  readEnvironment,
  serverVariables,
} from '@ai-governance/common/environment'

/** Everything this service reads from an environment. Throws `EnvironmentError` with what to do about it. */
export function readConfig(env: Record<string, string | undefined> = process.env) {
  return readEnvironment({ ...serverVariables, ...databaseVariables }, env)
}

export type Config = ReturnType<typeof readConfig>
