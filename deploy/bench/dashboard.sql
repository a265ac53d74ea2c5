-- A large organisation: what pages of the dashboard are measured with. The table size says
-- how many accounts and findings it has, the table category which categories are collected.
--
-- Accounts and regions are of very different size, and findings arrive in waves: those of an
-- account do not stand side by side in the table.
SET synchronous_commit = off;
SELECT setseed(0.5);

CREATE TEMPORARY TABLE account AS
SELECT i AS number, (100000000000 + i::bigint * 7919 * 31337 % 899999999999)::text AS account_id, 0.2 + 3 * power(random(), 3) AS weight
FROM size, generate_series(1, accounts) i;
CREATE TEMPORARY TABLE region AS
SELECT number, region FROM unnest(ARRAY['eu-central-1', 'us-east-1', 'eu-west-1']) WITH ORDINALITY AS r (region, number);

INSERT INTO obs.accounts (row_key, row_hash, account_id, region, run_id, collected_at, reported_account_id, account_name, account_state, partition)
SELECT gen_random_uuid(), gen_random_uuid(), account_id, 'global', '01930000-0000-7000-8000-000000000000', now(), account_id,
       to_char(number, '"account "FM000'), 'ACTIVE', 'aws'
FROM account;

-- Every source is collected once an hour, and now and then a run fails.
INSERT INTO hub.scope (scope, category, account_id, region, slice, live_rows)
SELECT md5(concat_ws('/', category, account_id, region))::uuid, category, account_id, region, '', 10
FROM category, account, region;
INSERT INTO hub.run (scope, run, collected_at, outcome, error, completed_at, end_rows, rows, every)
SELECT scope, (lpad(to_hex(floor(extract(epoch FROM at) * 1000)::bigint), 12, '0') || '70008' || substr(md5(scope || at::text), 1, 15))::uuid,
       at, CASE WHEN denied THEN 'denied' ELSE 'ok' END, CASE WHEN denied THEN 'AccessDeniedException' ELSE '' END,
       CASE WHEN NOT denied THEN at END, 10, 10, 3600
FROM (
    SELECT scope, now() - interval '20 minutes' - k * interval '1 hour' AS at, random() < 0.02 AS denied
    FROM hub.scope, generate_series(0, 11) k
    OFFSET 0
) run;
UPDATE hub.scope s SET complete_run = r.run, full_run = r.run
FROM (SELECT DISTINCT ON (scope) scope, run FROM hub.run WHERE outcome = 'ok' ORDER BY scope, run DESC) r
WHERE r.scope = s.scope;
SELECT hub.store_all_sources();

-- Each row is one fact of attention_facts.
INSERT INTO obs.certificates (row_key, row_hash, account_id, region, run_id, collected_at, certificate_arn, domain_name, status, in_use,
                              renewal_eligibility, not_after)
SELECT gen_random_uuid(), gen_random_uuid(), account_id, region, '01930000-0000-7000-8000-000000000000', now(),
       format('arn:aws:acm:%s:%s:certificate/%s', region, account_id, gen_random_uuid()), format('shop-%s.example.com', k), 'ISSUED',
       random() < 0.8, 'ELIGIBLE', now() + (random() * 400 - 10) * interval '1 day'
FROM account, region, generate_series(1, 10) k;
INSERT INTO obs.kms_keys (row_key, row_hash, account_id, region, run_id, collected_at, key_arn, key_id, key_manager, key_state, origin,
                          key_spec, rotation_enabled)
SELECT gen_random_uuid(), gen_random_uuid(), account_id, region, '01930000-0000-7000-8000-000000000000', now(),
       format('arn:aws:kms:%s:%s:key/%s', region, account_id, id), id, 'CUSTOMER', 'Enabled', 'AWS_KMS', 'SYMMETRIC_DEFAULT', false
FROM account, region, generate_series(1, 10) k, LATERAL (SELECT md5(concat_ws('/', account_id, region, k))::uuid::text AS id) key;
INSERT INTO obs.secrets (row_key, row_hash, account_id, region, run_id, collected_at, secret_arn, name, rotation_enabled, next_rotation_at)
SELECT gen_random_uuid(), gen_random_uuid(), account_id, region, '01930000-0000-7000-8000-000000000000', now(),
       format('arn:aws:secretsmanager:%s:%s:secret:app-%s-AbCdEf', region, account_id, k), format('app-%s', k),
       CASE WHEN k > 10 THEN true END, CASE WHEN k > 10 THEN now() + (random() * 60 - 10) * interval '1 day' END
FROM account, region, generate_series(1, 15) k;

INSERT INTO obs.service_costs (row_key, row_hash, account_id, region, run_id, collected_at, usage_date, service, usage_region,
                               unblended_cost, amortized_cost, currency, estimated)
SELECT gen_random_uuid(), gen_random_uuid(), account_id, 'global', '01930000-0000-7000-8000-000000000000', now(), current_date - d, service,
       'eu-central-1', round((weight * 40 / s * (1 + 0.2 * sin(d / 5.0)) * (0.8 + 0.4 * random()))::numeric, 6),
       round((weight * 40 / s * (0.8 + 0.4 * random()))::numeric, 6), 'USD', d < 4
FROM account, generate_series(1, 61) d, unnest(ARRAY[
    'Amazon Elastic Compute Cloud - Compute', 'EC2 - Other', 'Amazon Simple Storage Service', 'Amazon Relational Database Service',
    'AWS Lambda', 'AmazonCloudWatch', 'AWS Key Management Service', 'Amazon DynamoDB', 'Amazon Elastic Load Balancing', 'AWS Config',
    'AWS Security Hub', 'Amazon GuardDuty', 'Amazon Virtual Private Cloud', 'Amazon Route 53', 'AWS CloudTrail', 'Amazon Kinesis', 'AWS WAF',
    'Amazon ElastiCache', 'Amazon Elastic Container Service', 'AWS Secrets Manager', 'Amazon EC2 Container Registry (ECR)',
    'Amazon OpenSearch Service', 'AWS Backup', 'Tax', 'AWS Support (Enterprise)']) WITH ORDINALITY AS service (service, s);

-- An index that grows by ten million rows in no order costs more than one that is made of
-- them. load.Ensure makes the others again.
ALTER TABLE obs.security_findings DROP CONSTRAINT security_findings_pkey;
DO $$
DECLARE
    index regclass;
BEGIN
    FOR index IN SELECT indexrelid FROM pg_index WHERE indrelid = 'obs.security_findings'::regclass LOOP
        EXECUTE format('DROP INDEX %s', index);
    END LOOP;
END $$;
INSERT INTO obs.security_findings (row_key, row_hash, account_id, region, run_id, collected_at, finding_id, product_arn, product_name,
                                   company_name, generator_id, finding_account_id, finding_region, title, description, severity_label,
                                   workflow_status, record_state, compliance_status, security_control_id, resource_type, resource_id,
                                   resource_count, resources, first_observed_at, finding_created_at, last_observed_at, finding_updated_at)
SELECT gen_random_uuid(), gen_random_uuid(), account_id, region, '01930000-0000-7000-8000-000000000000', now() - interval '5 minutes',
       format('arn:aws:securityhub:%s:%s:security-control/%s/finding/%s', region, account_id, control, gen_random_uuid()),
       format('arn:aws:securityhub:%s::product/aws/%s', region, lower(replace(product, ' ', ''))), product, 'AWS',
       'security-control/' || control, account_id, region,
       control || ' ' || (ARRAY['S3 general purpose buckets should block public access', 'EC2 instances should use IMDSv2',
           'IAM users should not have policies attached', 'RDS instances should be encrypted at rest',
           'Lambda functions should use supported runtimes', 'Security groups should not allow ingress from 0.0.0.0/0 to port 22',
           'CloudTrail should be enabled', 'EBS default encryption should be enabled'])[1 + c % 8],
       repeat('This control checks a configuration. ', 3), severity, workflow, state, compliance,
       CASE WHEN product = 'Security Hub' THEN control END,
       (ARRAY['AwsS3Bucket', 'AwsEc2Instance', 'AwsIamUser', 'AwsRdsDbInstance', 'AwsLambdaFunction', 'AwsEc2SecurityGroup'])[1 + c % 6],
       'arn:aws:s3:::bucket-' || n % 100000, 1, '[{"Type":"AwsS3Bucket"}]', opened, opened, greatest(opened, updated), updated
FROM (
    SELECT n, c, account_id, region,
           (ARRAY['S3.', 'EC2.', 'IAM.', 'RDS.', 'Lambda.', 'KMS.', 'CloudTrail.', 'ECS.'])[1 + c % 8] || 1 + c / 8 AS control,
           CASE WHEN p < 0.72 THEN 'Security Hub' WHEN p < 0.9 THEN 'Inspector' WHEN p < 0.95 THEN 'GuardDuty'
                WHEN p < 0.98 THEN 'IAM Access Analyzer' ELSE 'Macie' END AS product,
           CASE WHEN s < 0.5 THEN 'INFORMATIONAL' WHEN s < 0.62 THEN 'LOW' WHEN s < 0.87 THEN 'MEDIUM' WHEN s < 0.98 THEN 'HIGH'
                ELSE 'CRITICAL' END AS severity,
           CASE WHEN w < 0.82 THEN 'NEW' WHEN w < 0.84 THEN 'NOTIFIED' WHEN w < 0.96 THEN 'RESOLVED' ELSE 'SUPPRESSED' END AS workflow,
           CASE WHEN a < 0.65 THEN 'ACTIVE' ELSE 'ARCHIVED' END AS state,
           CASE WHEN p < 0.72 THEN CASE WHEN s < 0.5 THEN 'PASSED' WHEN f < 0.97 THEN 'FAILED' ELSE 'WARNING' END END AS compliance,
           now() - opened * interval '400 days' AS opened, now() - power(updated, 3) * interval '90 days' AS updated
    FROM (
        SELECT n, random() AS p, random() AS s, random() AS w, random() AS a, random() AS f, random() AS opened, random() AS updated,
               floor(power(random(), 2) * 240)::integer AS c,
               1 + floor(accounts * power((n - 1) % (findings / 20) / (findings / 20.0), 1.5))::integer AS account_number,
               1 + floor(random() * random() * 3)::integer AS region_number
        FROM size, generate_series(1, findings) n
        OFFSET 0
    ) drawn
    JOIN account ON account.number = account_number
    JOIN region ON region.number = region_number
    OFFSET 0
) finding;
ALTER TABLE obs.security_findings ADD PRIMARY KEY (row_key);
