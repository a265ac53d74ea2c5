-- Agreements that end within 90 days, and what happens then
SELECT account_id, agreement_id, product_id, product_type, proposer_account_id, ends_at, end_behavior
FROM current_marketplace_agreements
WHERE status = 'ACTIVE' AND ends_at < now() + interval '90 days'
ORDER BY ends_at;

-- Sellers, by how many accounts buy from them
SELECT proposer_account_id, count(DISTINCT account_id) AS accounts, count(DISTINCT product_id) AS products
FROM current_marketplace_agreements
WHERE status = 'ACTIVE'
GROUP BY proposer_account_id
ORDER BY accounts DESC;
