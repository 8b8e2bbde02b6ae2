/**
 * Whether a raw target is a probe's. Probes come from kubelets and health checks that know no host name, so
 * they are exempt from the Host check; they tell nothing.
 */
export function isProbe(target: string | undefined): boolean {
  return target === '/healthz' || target === '/readyz'
}

/** At which level an answer is logged: probes come every few seconds, and only their failures are news. */
export function logLevelOf(target: string | undefined, status: number): 'debug' | 'info' {
  return isProbe(target) && status === 200 ? 'debug' : 'info'
}
