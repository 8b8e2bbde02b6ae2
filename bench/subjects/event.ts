/** The event of every append, and the row that the floors insert without a chain. */
export const EVENT = {
  event_type: 'model.deployed',
  subject: 'fraud-detector@1.2.3',
  decision: true,
  details: { approved_by: 'board', environment: 'production', ticket: 'OPS-1234' },
}
