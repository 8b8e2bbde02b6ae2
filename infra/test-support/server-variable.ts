/** Where the test files find the server that `npm test` started. */
export interface TestServer {
  port: number
  owner: string
  ownerPassword: string
  lineagePassword: string
  auditPassword: string
  /** The migrated database that every test file clones. */
  template: string
}

const variable = 'GOVERNANCE_TEST_SERVER'

/** The environment that hands the server on to the test processes. */
export function writeServer(server: TestServer): Record<string, string> {
  return { [variable]: JSON.stringify(server) }
}

export function readServer(env: NodeJS.ProcessEnv): TestServer {
  const text = env[variable]
  if (text) return JSON.parse(text)
  throw new Error(
    'This test needs the PostgreSQL that "npm test" starts: run it with "npm test -- <file>".',
  )
}
