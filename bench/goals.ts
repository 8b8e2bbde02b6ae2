/** What a figure has to reach: as a ratio where it stands beside a floor, else in the figure's own unit. */
export interface Goal {
  bound: 'at least' | 'at most'
  value: number
  /** The goal as a sentence. */
  says: string
}

const atLeast = (value: number, says: string): Goal => ({ bound: 'at least', value, says })
const atMost = (value: number, says: string): Goal => ({ bound: 'at most', value, says })

/** Every goal for speed and memory, and the one home of its number. A subject names the goal where it measures it. */
export const GOALS = {
  append: atLeast(1, 'an entry on the chain costs no more than a plain row, 64 at a time'),
  appendMany: atLeast(1.3, 'with 256 at a time the batches of the log win over single INSERTs'),
  appendProof: atLeast(0.6, 'a signed proof in each answer costs less than half of the rate'),
  appendGateway: atLeast(0.5, 'through the gateway half of what plain INSERTs give is left'),
  batch: atLeast(0.15, 'hashing and chaining in bulk is within reach of COPY'),
  growth: atLeast(0.9, 'a log of ten million is appended to as fast as a small one'),
  export: atLeast(0.4, 'hashes, lines and HTTP cost no more than one and a half times COPY itself'),
  exportMemory: atMost(64, 'an export streams: MiB by which a process may grow'),
  verifyRate: atLeast(80_000, 'entries a second that an auditor verifies on one core'),
  verifyCores: atLeast(1.7, 'a second core is used'),
  policyTime: atMost(
    100_000,
    'a decision at 100 rules within 0.1 ms at the 99th percentile, in ns',
  ),
  validate: atLeast(0.7, 'a decision costs little beside HTTP and JSON'),
  validateOpa: atLeast(2, 'twice the decisions that OPA gives with the same rules'),
  validateOpaTime: atMost(1, 'and its slowest hundredth is faster'),
  proxyFastify: atLeast(1.5, 'faster than a proxy that is built on Fastify, and it checks more'),
  proxyNginx: atLeast(0.5, 'half as fast as nginx, which checks nothing'),
  proxyKeys: atLeast(0.9, 'API keys cost a tenth at most'),
  overloadGoodput: atLeast(0.8, 'at four times the rate four fifths of the peak are still served'),
  overloadTime: atMost(3, 'and what is served is not much slower'),
} satisfies Record<string, Goal>

export function isReached({ bound, value }: Goal, measured: number): boolean {
  return bound === 'at least' ? measured >= value : measured <= value
}
