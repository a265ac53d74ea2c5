-- Certificates in use that expire within 30 days, those included that ACM should
-- have renewed by now (renewal_eligibility ELIGIBLE)
SELECT account_id, region, domain_name, certificate_type, renewal_eligibility, not_after
FROM current_certificates
WHERE in_use
  AND status = 'ISSUED'
  AND not_after < now() + interval '30 days'
ORDER BY not_after;

-- Certificates per key algorithm and account
SELECT key_algorithm, account_id, count(*) AS certificates
FROM current_certificates
WHERE status = 'ISSUED'
GROUP BY key_algorithm, account_id
ORDER BY key_algorithm, certificates DESC;

-- All certificates that cover a name, wildcards included
SELECT account_id, region, certificate_arn, status, not_after
FROM current_certificates
WHERE subject_alternative_names ?| array['www.example.com', '*.example.com']
ORDER BY not_after DESC;
