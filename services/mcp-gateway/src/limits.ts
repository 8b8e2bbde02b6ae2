/** Times in ms, sizes in bytes. */
export interface Limits {
  /** Until a connection to a service is there. */
  connect: number
  /** After this a connection to a service is replaced, so that new replicas get their share. */
  connectionAge: number
  /** Until a service has sent the head of its answer, waiting for a connection included. */
  answerHead: number
  /** Silence in the middle of an answer. */
  answerIdle: number
  /** A whole answer, except on routes that stream. */
  answerTotal: number
  /** Size of an answer, except on routes that stream. */
  answerBytes: number
  /** Connections to one service. */
  connections: number
  /** More of them for answers that stream, so that slow readers never take the place of all others. */
  streamConnections: number
  /** Memory for bodies of more than 64 KiB: four batches of the largest size. */
  bodyRoom: number
  /** Until the head of a request is there, and the whole of it. */
  requestHead: number
  request: number
  /** How often Node looks for requests that are late. */
  checkEvery: number
  /** A connection on which nothing moves while an answer is due, that is a reader who stopped reading. */
  socketIdle: number
  /** How long the rest of a refused body is read and thrown away. */
  linger: number
}

export const LIMITS: Limits = {
  connect: 2_000,
  connectionAge: 30_000,
  answerHead: 10_000,
  answerIdle: 10_000,
  answerTotal: 30_000,
  answerBytes: 64 * 1_048_576,
  connections: 128,
  streamConnections: 256,
  bodyRoom: 64 * 1_048_576,
  requestHead: 10_000,
  request: 15_000,
  checkEvery: 2_000,
  socketIdle: 15_000,
  linger: 1_000,
}
