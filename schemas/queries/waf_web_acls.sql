-- Web ACLs that protect nothing, or log nothing
SELECT account_id, region, name, associated_resource_count, logging_enabled
FROM current_waf_web_acls
WHERE associated_resource_count = 0
   OR NOT logging_enabled
ORDER BY account_id, region, name;

-- What is protected, and by which web ACL
SELECT r.arn, w.name, w.default_action, w.account_id, w.region
FROM current_waf_web_acls AS w,
     jsonb_array_elements_text(w.associated_resources) AS r(arn)
ORDER BY r.arn;
