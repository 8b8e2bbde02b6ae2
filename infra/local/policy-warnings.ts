/**
 * What mcp-policy finds doubtful about its policies, `file:line:column code message` each. That a policy
 * has no tests is left out: nothing is wrong with it.
 *
 * @param url the address of a ready mcp-policy
 */
export async function policyWarnings(url: string): Promise<string[]> {
  const response = await fetch(`${url}/policies`, { signal: AbortSignal.timeout(2_000) })
  const { warnings } = (await response.json()) as { warnings: string[] }
  return warnings.filter((warning) => warning.split(' ')[1] !== 'no_tests')
}
