import type { Call } from '../load/request-text.ts'

/** So many models are registered in turn: revisions pile up, as they do, but not all on one row. */
export const MODELS = 1_000

/** What a registration says besides the model and version. */
export const REGISTRATION = {
  created_by: 'team-fraud',
  artifacts: [
    'sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    'sha256:60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752',
  ],
  parents: [{ model_id: 'base-encoder', version: '4.0.0' }, { dataset: 'claims-2025-q4' }],
  metadata: { framework: 'pytorch', training_run: 'run-8841' },
}

export function modelId(n: number): string {
  return `model-${n}`
}

/** A registration of each model at the given address. */
export function registrations(url: string): Call[] {
  return Array.from({ length: MODELS }, (_, i) => ({
    url,
    body: { model_id: modelId(i + 1), version: '1.0.0', ...REGISTRATION },
  }))
}
