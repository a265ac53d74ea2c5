-- Findings as findings_summary counts them: with the same columns, so that the rows behind a
-- number are found by the same conditions.
--
-- is_open is word by word the condition of indexes of the table (see schemas), and so it has
-- to be asked for as it is: the planner does not know is_open = true again. account_id and
-- control are what the indexes are made of.
CREATE VIEW findings AS
SELECT left(finding_account_id, 32) AS account_id, left(home_region, 32) AS region,
       left(coalesce(product_name, 'UNKNOWN'), 128) AS product_name,
       CASE WHEN severity_label IN ('INFORMATIONAL', 'LOW', 'MEDIUM', 'HIGH', 'CRITICAL') THEN severity_label ELSE 'UNKNOWN' END AS severity,
       left(security_control_id, 128) AS control, title, resource_type, resource_id, workflow_status, record_state, compliance_status,
       record_state IS DISTINCT FROM 'ARCHIVED' AND workflow_status IS DISTINCT FROM 'RESOLVED'
           AND workflow_status IS DISTINCT FROM 'SUPPRESSED' AND compliance_status IS DISTINCT FROM 'PASSED' AS is_open,
       first_observed_at, finding_updated_at, remediation_url, finding_id, product_arn,
       account_id AS seen_in_account, region AS seen_in_region, row_key, collected_at
FROM findings_once;

COMMENT ON VIEW findings IS 'Security findings, each where it counts: the rows behind findings_summary, with its columns. findings_once has all columns of the category. Samples are left out.';
COMMENT ON COLUMN findings.account_id IS 'Account that the finding is about.';
COMMENT ON COLUMN findings.region IS 'Region that the finding is about.';
COMMENT ON COLUMN findings.product_name IS 'Product that made the finding. UNKNOWN: it does not say.';
COMMENT ON COLUMN findings.severity IS 'INFORMATIONAL, LOW, MEDIUM, HIGH or CRITICAL; UNKNOWN: none of these.';
COMMENT ON COLUMN findings.control IS 'Control that was checked, such as S3.5. Null: the finding comes from no control.';
COMMENT ON COLUMN findings.title IS 'Title of the finding.';
COMMENT ON COLUMN findings.resource_type IS 'Type of the first resource. Null: the finding names none.';
COMMENT ON COLUMN findings.resource_id IS 'Identifier of the first resource, mostly its ARN. Null: the finding names none.';
COMMENT ON COLUMN findings.workflow_status IS 'Status of the investigation: NEW, NOTIFIED, RESOLVED or SUPPRESSED.';
COMMENT ON COLUMN findings.record_state IS 'State of the record: ACTIVE or ARCHIVED.';
COMMENT ON COLUMN findings.compliance_status IS 'Result of a control''s check: PASSED, WARNING, FAILED or NOT_AVAILABLE. Null: the finding comes from no control.';
COMMENT ON COLUMN findings.is_open IS 'Whether somebody has to act: neither archived, resolved, suppressed nor passed. An unknown state counts as open.';
COMMENT ON COLUMN findings.first_observed_at IS 'When the product first observed the issue.';
COMMENT ON COLUMN findings.finding_updated_at IS 'When the product last updated the finding.';
COMMENT ON COLUMN findings.remediation_url IS 'Page that explains what to do.';
COMMENT ON COLUMN findings.finding_id IS 'Identifier that the product gave the finding. Unique together with product_arn.';
COMMENT ON COLUMN findings.product_arn IS 'ARN of the product that made the finding.';
COMMENT ON COLUMN findings.seen_in_account IS 'Account in which the finding was collected.';
COMMENT ON COLUMN findings.seen_in_region IS 'Region in which the finding was collected.';
COMMENT ON COLUMN findings.row_key IS 'Key of the row in the table security_findings.';
COMMENT ON COLUMN findings.collected_at IS 'When the finding was collected last.';
