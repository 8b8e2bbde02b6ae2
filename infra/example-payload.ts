/** What a release says about its model in examples, tests and measurements: the shipped policies allow it, at risk score 3. */
export const EXAMPLE_PAYLOAD = {
  model_class: 'vision',
  use_case: 'general',
  risk: { data_sensitivity: 1, model_complexity: 1, deployment_impact: 1, monitoring_maturity: 3 },
}
