-- Software of an account, from all its regions. A node is in one region.
CREATE VIEW software AS
SELECT account_id, name, version, sum(nodes)::bigint AS nodes, min(publisher) AS publisher, min(application_type) AS application_type
FROM summary.software
GROUP BY account_id, name, version;

COMMENT ON VIEW software IS 'Which application or package is on how many managed nodes, a row per account, name and version.';
COMMENT ON COLUMN software.account_id IS 'Account of the nodes.';
COMMENT ON COLUMN software.name IS 'Name of the application or package.';
COMMENT ON COLUMN software.version IS 'Version. Empty: it has none.';
COMMENT ON COLUMN software.nodes IS 'Number of nodes that have it.';
COMMENT ON COLUMN software.publisher IS 'Who published it, the first by name. Null: not known.';
COMMENT ON COLUMN software.application_type IS 'Kind of the application, the first by name. Null: not known.';
