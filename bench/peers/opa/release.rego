# The rules of policies/model-policy.yml and policies/risk-matrix.yml in Rego, for a comparison of speed: every rule
# judged, reasons and score in the answer, a field that is missing counted against the request. An element of `broken`
# is a rule's id; what Rego cannot say by itself (which comparison, which line) is left out, in OPA's favour.
package release

high_risk := {"hr-screening", "credit-scoring", "education-scoring", "biometric-identification"}

uses := high_risk | {"general", "social-scoring"}

classes := {"vision", "language", "speech", "multimodal", "tabular", "time-series", "recommender"}

watched := {"on-the-loop", "in-the-loop"}

use_known if input.payload.use_case in uses

is_high_risk if input.payload.use_case in high_risk

is_high_risk if not use_known

broken contains "known-model-class" if not input.payload.model_class in classes

broken contains "prohibited-use" if not use_known

broken contains "prohibited-use" if input.payload.use_case == "social-scoring"

overseen if {
	input.payload.oversight.human in watched
	is_string(input.payload.oversight.owner)
	input.payload.oversight.owner != ""
}

broken contains "high-risk-oversight" if {
	is_high_risk
	not overseen
}

advice contains "high-risk-accuracy" if is_high_risk

sensitive if not factor("data_sensitivity", 5) < 4

advice contains "sensitive-data-oversight" if {
	sensitive
	not input.payload.oversight.human in watched
}

factor(name, _) := value if {
	value := input.payload.risk[name]
	is_number(value)
	value >= 0
	value <= 5
}

factor(name, worst) := worst if not stated(name)

stated(name) if {
	value := input.payload.risk[name]
	is_number(value)
	value >= 0
	value <= 5
}

score := (((3 * factor("data_sensitivity", 5)) + (2 * factor("model_complexity", 5))) + (4 * factor("deployment_impact", 5))) - (2 * factor("monitoring_maturity", 0))

broken contains "risk-score" if score >= 30

decision := {"allowed": count(broken) == 0, "reasons": broken, "warnings": advice, "risk_score": score}
