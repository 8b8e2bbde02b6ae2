import {
  EnvironmentError,
  port,
  readEnvironment,
  serverVariables,
} from '@ai-governance/common/environment'
import { isLoopback } from '@ai-governance/common/http/loopback'
import { z } from 'zod'
import { type AuthConfig, authConfig, authVariables, type RateLimits } from './auth/auth-config.ts'
import { type Directory, parseDirectory } from './directory.ts'

export interface Config {
  host: string
  port: number
  metricsPort: number | undefined
  logLevel: string
  /** The ports under which clients reach the gateway: its own, and the published one. */
  ports: number[]
  allowedHosts: string[]
  directory: Directory
  auth: AuthConfig
  rateLimits: RateLimits
  /** The file with the secret of the stack; undefined where services take unsigned calls. */
  identitySecretPath: string | undefined
}

/** Where `npm start` puts the services. */
const LOCAL_DIRECTORY = JSON.stringify({
  'mcp-lineage': 'http://127.0.0.1:8081',
  'mcp-policy': 'http://127.0.0.1:8082',
  'mcp-audit': 'http://127.0.0.1:8083',
})

const variables = {
  ...serverVariables,
  PORT: port.default(8080).describe('a TCP port to listen on, for example 8080'),
  GATEWAY_PORT: port
    .optional()
    .describe('the TCP port under which clients reach the gateway, where it differs from PORT'),
  MCP_DIRECTORY: z
    .string()
    .default(LOCAL_DIRECTORY)
    .describe('a JSON object such as {"mcp-audit":"http://mcp-audit:8000"}'),
  ...authVariables,
  GATEWAY_BIND: z
    .string()
    .optional()
    .describe('the host address on which the gateway is published, for example 127.0.0.1'),
}

/** Reads the configuration from an environment. Throws `EnvironmentError` with what to do about it. */
export function readConfig(env: Record<string, string | undefined> = process.env): Config {
  const read = readEnvironment(variables, env)
  const isLocal = isLoopback(read.HOST) || (read.GATEWAY_BIND && isLoopback(read.GATEWAY_BIND))
  if (read.AUTH_MODE === 'none' && !isLocal) {
    throw new EnvironmentError([
      'AUTH_MODE=none lets everybody in who can connect: set HOST to 127.0.0.1, or, where the port is ' +
        'published by a container runtime, set GATEWAY_BIND to the loopback address that it is published on. ' +
        'AUTH_MODE=keys and oidc may listen anywhere.',
    ])
  }
  const ports = [...new Set([read.PORT, read.GATEWAY_PORT ?? read.PORT])]
  const directory = parseDirectory(read.MCP_DIRECTORY, ports)
  if (Array.isArray(directory)) throw new EnvironmentError(directory)
  return {
    host: read.HOST,
    port: read.PORT,
    metricsPort: read.METRICS_PORT,
    logLevel: read.LOG_LEVEL,
    ports,
    allowedHosts: read.GATEWAY_ALLOWED_HOSTS,
    directory: directory as Directory,
    ...authConfig(read),
  }
}
