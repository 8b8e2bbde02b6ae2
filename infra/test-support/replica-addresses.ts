import { join } from 'node:path'

/** Two addresses of this machine, for two replicas on one port: of Linux all of 127/8, elsewhere the two of loopback. */
export const REPLICA_ADDRESSES = ['127.0.0.1', process.platform === 'linux' ? '127.0.0.2' : '::1']

/** What a process is started with in which every name is to resolve to these addresses. */
export const RESOLVING = {
  nodeArgs: [`--import=${join(import.meta.dirname, 'resolve-to.js')}`],
  env: { RESOLVE_TO: REPLICA_ADDRESSES.join() },
} as const
