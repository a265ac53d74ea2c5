-- Service level objectives, and how resilient applications are. A score of Resilience Hub
-- is 0 where none was ever computed.
CREATE VIEW live.service_levels AS
SELECT account_id, region, 'objective' AS kind, row_key, left(slo_arn, 512) AS resource, left(name, 256) AS name,
       CASE WHEN budget_status IN ('OK', 'WARNING', 'BREACHED', 'INSUFFICIENT_DATA') THEN budget_status ELSE 'UNKNOWN' END AS status,
       attainment AS value, attainment_goal AS goal, NULL::timestamptz AS assessed_at
FROM obs.service_level_objectives
WHERE deleted_at IS NULL
UNION ALL
SELECT account_id, region, 'resilience', row_key, left(app_arn, 512), left(name, 256),
       CASE WHEN compliance_status IN ('PolicyMet', 'PolicyBreached', 'NotAssessed', 'ChangesDetected', 'NotApplicable', 'MissingPolicy')
            THEN compliance_status ELSE 'UNKNOWN' END,
       CASE WHEN resiliency_score > 0 AND resiliency_score <= 1 THEN resiliency_score * 100 END, 100,
       coalesce(assessment_ended_at, last_compliance_evaluation_at)
FROM obs.resilience_apps
WHERE deleted_at IS NULL;

ALTER TABLE summary.service_levels ADD PRIMARY KEY (account_id, region, kind, row_key);

COMMENT ON VIEW live.service_levels IS 'Service level objectives, and how resilient applications are.';
COMMENT ON COLUMN live.service_levels.account_id IS 'Account of the objective or application.';
COMMENT ON COLUMN live.service_levels.region IS 'Region of the objective or application.';
COMMENT ON COLUMN live.service_levels.kind IS 'objective or resilience.';
COMMENT ON COLUMN live.service_levels.row_key IS 'Key of the row in the table of the category.';
COMMENT ON COLUMN live.service_levels.resource IS 'ARN of the objective or application.';
COMMENT ON COLUMN live.service_levels.name IS 'Its name.';
COMMENT ON COLUMN live.service_levels.status IS 'Of an objective OK, WARNING, BREACHED or INSUFFICIENT_DATA; of an application PolicyMet, PolicyBreached, NotAssessed, ChangesDetected, NotApplicable or MissingPolicy; UNKNOWN: none of these.';
COMMENT ON COLUMN live.service_levels.value IS 'What was reached, in percent: attainment, or the score of the application. Null: too little data, or never assessed.';
COMMENT ON COLUMN live.service_levels.goal IS 'What is to be reached, in percent; of an application 100.';
COMMENT ON COLUMN live.service_levels.assessed_at IS 'When the application was last assessed. Null: never, or an objective.';
