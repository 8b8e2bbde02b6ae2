/** Why a decision denies that took longer than `slaMs`; a replay says the same sentence. */
export function lateReason(slaMs: number): string {
  return `The decision took longer than the ${slaMs} ms it may take.`
}
