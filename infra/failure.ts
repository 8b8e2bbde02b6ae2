/**
 * A failure that a person can act on: its message is one or two sentences that say what is wrong and
 * what to do. Programs print the message alone; every other error is a fault of ours and keeps its
 * stack trace.
 */
export class Failure extends Error {
  override readonly name = 'Failure'
}
