import { LARGE_BODY } from '@ai-governance/common/http/large-bodies'

/** Times in ms, sizes in bytes. */
export interface Limits {
  /** Until a connection to a service is there. */
  connect: number
  /** A connection to a service that was not used for so long is closed. */
  connectionIdle: number
  /** How often a name is resolved, and how often while it stands for nothing that works. */
  resolveEvery: number
  resolveAgain: number
  /** How often each of several replicas is probed, and how long it may take to answer. */
  probeEvery: number
  probe: number
  /** Until a service has sent the head of its answer, waiting for a place and a connection included. */
  answerHead: number
  /** Silence in the middle of an answer. */
  answerIdle: number
  /** A whole answer, except on routes that stream. */
  answerTotal: number
  /** Size of an answer, except on routes that stream. */
  answerBytes: number
  /** Connections to one replica: one for each caller, for slow readers may hold many. `inFlight` bounds the work. */
  connections: number
  /** More of them for answers that stream, so that slow readers never take the place of all others. */
  streamConnections: number
  /** Calls under way at a service, for each of its replicas. */
  inFlight: number
  /** Calls that may wait for a place at a service, and for how long. */
  waiting: number
  patience: number
  /** While the event loop is later than this, nobody waits. */
  loopLag: number
  /** Bodies above this size at a service at once, and for how long one more waits. */
  largeBody: number
  largeInFlight: number
  largePatience: number
  /** Requests with a body to routes of the gateway's own, and those of them with a body above `largeBody`, at once. */
  ownInFlight: number
  largeOwn: number
  /** Memory for bodies of more than 64 KiB: four batches of the largest size, three of them of one caller. */
  bodyRoom: number
  /** Connections of callers. */
  callers: number
  /** Until the head of a request is there, and the whole of it. */
  requestHead: number
  request: number
  /** How often Node looks for requests that are late. */
  checkEvery: number
  /**
   * A connection on which nothing moves; longer than `request` and `checkEvery`, or a body that stops would be cut off
   * without its 408. (Node waits twice as long where something waits to be written.)
   */
  socketIdle: number
  /**
   * A caller that has taken nothing of an answer for so long is cut off. It shows late that nobody reads, once the kernel
   * has taken some 4 MiB for that connection; with the time for that it is to end within 20 s.
   */
  readerIdle: number
  /** How long the rest of a refused body is read and thrown away. */
  linger: number
}

export const LIMITS: Limits = {
  connect: 2_000,
  connectionIdle: 30_000,
  resolveEvery: 3_000,
  resolveAgain: 1_000,
  probeEvery: 250,
  probe: 700,
  answerHead: 10_000,
  answerIdle: 10_000,
  answerTotal: 30_000,
  answerBytes: 64 * 1_048_576,
  connections: 1_024,
  streamConnections: 256,
  inFlight: 128,
  waiting: 1_024,
  patience: 250,
  loopLag: 200,
  largeBody: LARGE_BODY,
  largeInFlight: 4,
  largePatience: 2_000,
  ownInFlight: 64,
  largeOwn: 2,
  bodyRoom: 64 * 1_048_576,
  callers: 1_024,
  requestHead: 10_000,
  request: 15_000,
  checkEvery: 2_000,
  socketIdle: 18_000,
  readerIdle: 10_000,
  linger: 1_000,
}
