-- What can be reached from outside; live.exposure has the rules.
CREATE VIEW exposure AS
SELECT account_id, resource_region AS region, kind, resource, reason, severity
FROM summary.exposure;

COMMENT ON VIEW exposure IS 'What can be reached from outside, or is not protected from it: buckets that are or may become public, databases with a public address, running instances with a public address whose metadata service needs no token. A row per resource.';
COMMENT ON COLUMN exposure.account_id IS 'Account of the resource.';
COMMENT ON COLUMN exposure.region IS 'Region of the resource.';
COMMENT ON COLUMN exposure.kind IS 's3_bucket, rds_instance or ec2_instance.';
COMMENT ON COLUMN exposure.resource IS 'Name of the bucket, ARN of the database, identifier of the instance.';
COMMENT ON COLUMN exposure.reason IS 'What is wrong, for people. What could not be found out is a reason, too.';
COMMENT ON COLUMN exposure.severity IS 'HIGH: it is public; MEDIUM: it may become public, or it is not known.';
