/**
 * What a process with an environment of its own is given besides, so that it need not compile again what another of
 * this run has compiled: the variable NODE_COMPILE_CACHE, where `npm test` has set it.
 */
export function compileCache(): Record<string, string> {
  const { NODE_COMPILE_CACHE } = process.env
  return NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE }
}
