-- What a day of a commitment saved. AWS gives the use of reservations other identifiers than
-- the reservations have; the lease joins them where there is one.
CREATE VIEW legacy.ri_sp_daily_savings AS
SELECT legacy.id('commitment/' || u.row_key) AS id,
       legacy.account(u.account_id, 'global') AS account_id,
       u.usage_date AS date_from,
       u.usage_date + 1 AS date_to,
       CASE u.commitment_kind WHEN 'savings_plan' THEN 'Savings Plan' ELSE 'Reserved Instance' END AS reservation_type,
       coalesce(p.savings_plan_id, r.reservation_id, u.commitment_id) AS subscription_id,
       coalesce(p.offering_id, r.offering_id) AS offering_id,
       u.savings_plan_arn,
       CASE WHEN u.commitment_kind = 'savings_plan' THEN 'AWS Savings Plans'
            WHEN r.service = 'ec2' THEN 'Amazon EC2'
            WHEN r.service = 'rds' THEN 'Amazon RDS'
            ELSE coalesce(u.service, r.service) END AS service,
       coalesce(p.savings_plan_type, r.instance_type, u.instance_type) AS instance_type,
       r.instance_count,
       coalesce(p.ec2_instance_family, split_part(coalesce(r.instance_type, u.instance_type), '.', 1)) AS instance_family,
       r.tenancy AS instance_tenancy,
       r.offering_class,
       coalesce((SELECT string_agg(t #>> '{}', ',') FROM hub.elements(p.product_types) AS t), r.product_description) AS product_types,
       coalesce(p.plan_region, r.region, u.usage_region) AS region,
       u.utilization_percentage,
       u.on_demand_cost_equivalent AS on_demand_cost,
       coalesce(u.used_commitment, u.total_amortized_fee) AS reservation_cost,
       u.net_savings,
       coalesce(p.commitment_per_hour, hub.number(r.recurring_charges -> 0 ->> 'Amount')) AS commitment,
       coalesce(p.upfront_payment, r.fixed_price) AS upfront_cost,
       coalesce(p.recurring_payment, hub.number(r.recurring_charges -> 0 ->> 'Amount')) AS recurring_cost,
       r.recurring_charges -> 0 ->> 'Frequency' AS recurring_frequency,
       r.usage_price,
       coalesce(p.currency, r.currency, u.currency) AS currency,
       coalesce(p.started_at, r.started_at) AS start_date,
       coalesce(p.ends_at, r.ends_at) AS end_date,
       p.returnable_until,
       coalesce(p.term_seconds, r.duration_seconds) AS duration_seconds,
       coalesce(p.payment_option, r.offering_type) AS offering_type,
       coalesce(p.state, r.state) AS state,
       coalesce(p.description, concat_ws(' ', r.instance_count || 'x', r.instance_type, r.product_description)) AS description,
       u.first_seen_at AS created_at,
       u.collected_at AS updated_at,
       u.account_id AS account,
       'Global'::text AS account_region
FROM obs.commitment_utilization u
LEFT JOIN LATERAL (
    SELECT * FROM obs.savings_plans p
    WHERE p.account_id = u.account_id AND p.savings_plan_arn = u.savings_plan_arn AND p.deleted_at IS NULL
    ORDER BY p.row_key
    LIMIT 1
) p ON true
LEFT JOIN LATERAL (
    SELECT * FROM obs.reservations r
    WHERE r.account_id = u.account_id AND u.commitment_kind = 'reservation' AND u.lease_id IN (r.reservation_id, r.lease_id)
      AND r.deleted_at IS NULL
    ORDER BY r.reservation_id = u.lease_id DESC, r.row_key
    LIMIT 1
) r ON true
WHERE u.deleted_at IS NULL;

CREATE VIEW legacy.compute_optimizer AS
SELECT legacy.id('optimizer/' || row_key) AS id,
       legacy.account(account_id, region) AS account_id,
       CASE recommendation_type
           WHEN 'ec2' THEN 'EC2' WHEN 'ebs' THEN 'EBS' WHEN 'lambda' THEN 'Lambda'
           WHEN 'asg' THEN 'AutoScaling' WHEN 'ecs' THEN 'ECS' WHEN 'rds' THEN 'RDS'
           ELSE recommendation_type END AS resource_type,
       resource_arn, resource_name, finding,
       current_instance_type,
       current_memory_mb AS current_memory_size,
       current_volume_type,
       current_volume_size_gb AS current_volume_size,
       recommended_instance_type,
       recommended_memory_mb AS recommended_memory_size,
       recommended_volume_type,
       recommended_volume_size_gb AS recommended_volume_size,
       savings_percentage::numeric AS savings_opportunity_percentage,
       CASE WHEN currency = 'USD' THEN estimated_monthly_savings END AS estimated_monthly_savings_usd,
       performance_risk::numeric AS performance_risk,
       cpu_maximum_percent::numeric AS cpu_utilization_max,
       memory_maximum_percent::numeric AS memory_utilization_avg,
       migration_effort,
       first_seen_at AS created_at,
       account_id AS account,
       legacy.place(region) AS account_region
FROM obs.compute_recommendations
WHERE deleted_at IS NULL AND recommendation_type <> 'idle';
