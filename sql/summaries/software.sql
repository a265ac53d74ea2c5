-- Applications and packages on managed nodes, counted by name and version. The texts are
-- cut as in live.findings.
CREATE VIEW live.software AS
SELECT account_id, region, left(name, 256) AS name, left(coalesce(version, ''), 128) AS version,
       count(DISTINCT instance_id) AS nodes,
       min(left(publisher, 256)) AS publisher, min(left(application_type, 128)) AS application_type
FROM obs.ssm_applications
WHERE deleted_at IS NULL
GROUP BY account_id, region, left(name, 256), left(coalesce(version, ''), 128);

ALTER TABLE summary.software ADD PRIMARY KEY (account_id, region, name, version);
CREATE INDEX ON summary.software (name);

COMMENT ON VIEW live.software IS 'Applications and packages on managed nodes, by name and version.';
COMMENT ON COLUMN live.software.account_id IS 'Account of the nodes.';
COMMENT ON COLUMN live.software.region IS 'Region of the nodes.';
COMMENT ON COLUMN live.software.name IS 'Name of the application or package.';
COMMENT ON COLUMN live.software.version IS 'Version. Empty: it has none.';
COMMENT ON COLUMN live.software.nodes IS 'Number of nodes that have it.';
COMMENT ON COLUMN live.software.publisher IS 'Who published it, the first by name. Null: not known.';
COMMENT ON COLUMN live.software.application_type IS 'Kind of the application, the first by name. Null: not known.';
