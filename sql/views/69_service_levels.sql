-- Objectives and resilience; live.service_levels has the rules.
CREATE VIEW service_levels AS
SELECT account_id, region, kind, resource, name, status, value, goal, assessed_at
FROM summary.service_levels;

COMMENT ON VIEW service_levels IS 'Service level objectives of Application Signals, and applications of Resilience Hub: what is to be reached, and what was. A row for each.';
COMMENT ON COLUMN service_levels.account_id IS 'Account of the objective or application.';
COMMENT ON COLUMN service_levels.region IS 'Region of the objective or application.';
COMMENT ON COLUMN service_levels.kind IS 'objective or resilience.';
COMMENT ON COLUMN service_levels.resource IS 'ARN of the objective or application.';
COMMENT ON COLUMN service_levels.name IS 'Its name.';
COMMENT ON COLUMN service_levels.status IS 'Of an objective OK, WARNING, BREACHED or INSUFFICIENT_DATA; of an application PolicyMet, PolicyBreached, NotAssessed, ChangesDetected, NotApplicable or MissingPolicy; UNKNOWN: none of these.';
COMMENT ON COLUMN service_levels.value IS 'What was reached, in percent: attainment, or the score of the application. Null: too little data, or never assessed.';
COMMENT ON COLUMN service_levels.goal IS 'What is to be reached, in percent; of an application 100.';
COMMENT ON COLUMN service_levels.assessed_at IS 'When the application was last assessed. Null: never, or an objective.';
