import {
  databaseVariables,
  readEnvironment,
  serverVariables,
} from '@ai-governance/common/environment'

/** Everything this service reads from its environment. */
export function readConfig(env: NodeJS.ProcessEnv) {
  return readEnvironment({ ...serverVariables, ...databaseVariables }, env)
}

export type Config = ReturnType<typeof readConfig>
