/** What stops the gate: a sentence for whoever reads the job, safe to print once it is escaped. */
export class GateFailure extends Error {
  /** @param {string} message */
  constructor(message) {
    super(message)
    this.name = 'GateFailure'
  }
}
