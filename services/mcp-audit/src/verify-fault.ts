/** What a step of a verification finds wrong, and the first entry that shows it. */
export interface Fault {
  id: number
  reason: string
}
