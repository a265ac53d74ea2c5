-- Reservations that end within 60 days
SELECT account_id, region, service, instance_type, instance_count, product_description, ends_at
FROM current_reservations
WHERE state = 'active' AND ends_at < now() + interval '60 days'
ORDER BY ends_at;

-- Instances that are reserved, by service and type
SELECT account_id, region, service, instance_type, sum(instance_count) AS reserved
FROM current_reservations
WHERE state = 'active'
GROUP BY account_id, region, service, instance_type
ORDER BY account_id, region, service, reserved DESC;
