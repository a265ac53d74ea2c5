-- What can be reached from outside; live.exposure has the rules. That a load balancer has no
-- web ACL is known only where web ACLs were collected completely.
CREATE VIEW exposure AS
SELECT account_id, resource_region AS region, kind, resource, reason, severity
FROM summary.exposure e
WHERE kind <> 'load_balancer'
   OR EXISTS (SELECT FROM hub.scope s
              WHERE s.category = 'waf_web_acls' AND s.account_id = e.account_id AND s.region = e.region AND s.full_run IS NOT NULL);

COMMENT ON VIEW exposure IS 'What can be reached from outside, or is not protected from it: buckets that are or may become public, databases with a public address, running instances with a public address and a metadata service that needs no token, load balancers without a web ACL. A row per resource.';
COMMENT ON COLUMN exposure.account_id IS 'Account of the resource.';
COMMENT ON COLUMN exposure.region IS 'Region of the resource.';
COMMENT ON COLUMN exposure.kind IS 's3_bucket, rds_instance, ec2_instance or load_balancer.';
COMMENT ON COLUMN exposure.resource IS 'Name of the bucket, ARN of the database or load balancer, identifier of the instance.';
COMMENT ON COLUMN exposure.reason IS 'What is wrong, for people. What could not be found out is a reason, too.';
COMMENT ON COLUMN exposure.severity IS 'HIGH: it is public; MEDIUM: it may become public, or it is not known; LOW: a web ACL is missing.';
