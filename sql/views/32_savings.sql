-- What could be saved. A resource has one recommendation, so that nothing is saved twice:
-- the best by rank, and of these the one that saves most.
CREATE VIEW savings_opportunities AS
SELECT DISTINCT ON (account_id, resource_region, resource)
       account_id, resource_region AS region, resource, resource_type, action, current, recommended, monthly_savings, currency, effort, source
FROM summary.savings
ORDER BY account_id, resource_region, resource, rank, monthly_savings DESC NULLS LAST, row_key;

COMMENT ON VIEW savings_opportunities IS 'What could be saved, the best recommendation for each resource: what is recommended twice counts once.';
COMMENT ON COLUMN savings_opportunities.account_id IS 'Account of the resource.';
COMMENT ON COLUMN savings_opportunities.region IS 'Region of the resource. global: it has none, as a commitment that should be bought.';
COMMENT ON COLUMN savings_opportunities.resource IS 'ARN of the resource, or its identifier. A recommendation that is about none, such as to buy a Savings Plan, has its own identifier here.';
COMMENT ON COLUMN savings_opportunities.resource_type IS 'Type of the resource, such as Ec2Instance or EbsVolume; of the Compute Optimizer the kind of recommendation, such as ec2 or ebs. Null: not known.';
COMMENT ON COLUMN savings_opportunities.action IS 'What to do, such as Rightsize, Stop or Delete; of the Compute Optimizer what it found, such as Overprovisioned. Null: not known.';
COMMENT ON COLUMN savings_opportunities.current IS 'What the resource is now, such as m5.2xlarge. Null: not known.';
COMMENT ON COLUMN savings_opportunities.recommended IS 'What it should be, such as m7g.xlarge. Null: not known, or it should not be there.';
COMMENT ON COLUMN savings_opportunities.monthly_savings IS 'What would be saved in a month. Null: not known.';
COMMENT ON COLUMN savings_opportunities.currency IS 'Currency of monthly_savings. Null: as of that.';
COMMENT ON COLUMN savings_opportunities.effort IS 'How much work it is: VeryLow, Low, Medium, High or VeryHigh. Null: not known.';
COMMENT ON COLUMN savings_opportunities.source IS 'Who made the recommendation: Cost Optimization Hub, or Compute Optimizer where that says nothing about the resource.';

-- A recommendation that was made anew, for more savings, does not make the wait shorter:
-- the oldest one about the resource counts.
CREATE VIEW recommendations_untouched AS
SELECT o.account_id, o.region, o.resource, o.resource_type, o.action, o.current, o.recommended, o.monthly_savings, o.currency, o.effort, o.source,
       s.first_seen_at, floor(extract(epoch FROM now() - s.first_seen_at) / 86400)::integer AS days
FROM savings_opportunities o
JOIN (SELECT account_id, resource_region AS region, resource, min(first_seen_at) AS first_seen_at FROM summary.savings GROUP BY 1, 2, 3) s
     USING (account_id, region, resource);

COMMENT ON VIEW recommendations_untouched IS 'The rows of savings_opportunities with the time for which nobody has followed them.';
COMMENT ON COLUMN recommendations_untouched.account_id IS 'Account of the resource.';
COMMENT ON COLUMN recommendations_untouched.region IS 'Region of the resource. global: it has none.';
COMMENT ON COLUMN recommendations_untouched.resource IS 'ARN of the resource, or its identifier, or that of the recommendation.';
COMMENT ON COLUMN recommendations_untouched.resource_type IS 'Type of the resource. Null: not known.';
COMMENT ON COLUMN recommendations_untouched.action IS 'What to do. Null: not known.';
COMMENT ON COLUMN recommendations_untouched.current IS 'What the resource is now. Null: not known.';
COMMENT ON COLUMN recommendations_untouched.recommended IS 'What it should be. Null: not known, or it should not be there.';
COMMENT ON COLUMN recommendations_untouched.monthly_savings IS 'What would be saved in a month. Null: not known.';
COMMENT ON COLUMN recommendations_untouched.currency IS 'Currency of monthly_savings. Null: as of that.';
COMMENT ON COLUMN recommendations_untouched.effort IS 'How much work it is. Null: not known.';
COMMENT ON COLUMN recommendations_untouched.source IS 'Who made the recommendation.';
COMMENT ON COLUMN recommendations_untouched.first_seen_at IS 'When a recommendation for the resource was collected first, of those that still hold.';
COMMENT ON COLUMN recommendations_untouched.days IS 'Whole days since then.';

-- Commitments that run out: what they cover is charged at on-demand prices from then on.
CREATE VIEW commitments_ending AS
SELECT account_id, region, 'savings_plan' AS kind, savings_plan_arn AS commitment, savings_plan_type AS type, state,
       concat_ws(' ', coalesce(plan_region, 'all regions'), ec2_instance_family) AS detail, NULL::bigint AS instances,
       commitment_per_hour, currency, started_at, ends_at, floor(extract(epoch FROM ends_at - now()) / 86400)::integer AS days_left
FROM obs.savings_plans
WHERE deleted_at IS NULL AND ends_at >= now() AND state IN ('active', 'queued', 'payment-pending')
UNION ALL
SELECT account_id, region, 'reservation', reservation_id, service, state,
       concat_ws(' ', instance_type, product_description, offering_class), instance_count,
       NULL, currency, started_at, ends_at, floor(extract(epoch FROM ends_at - now()) / 86400)::integer
FROM obs.reservations
WHERE deleted_at IS NULL AND ends_at >= now() AND state IN ('active', 'queued', 'payment-pending');

COMMENT ON VIEW commitments_ending IS 'Reservations and Savings Plans that are running or will be, with the time that is left: what they cover costs on-demand prices after that.';
COMMENT ON COLUMN commitments_ending.account_id IS 'Account that owns the commitment.';
COMMENT ON COLUMN commitments_ending.region IS 'Region of the reservation; global for Savings Plans.';
COMMENT ON COLUMN commitments_ending.kind IS 'reservation or savings_plan.';
COMMENT ON COLUMN commitments_ending.commitment IS 'Identifier of the reservation, ARN of the Savings Plan.';
COMMENT ON COLUMN commitments_ending.type IS 'Service of the reservation, type of the Savings Plan.';
COMMENT ON COLUMN commitments_ending.state IS 'active, queued or payment-pending.';
COMMENT ON COLUMN commitments_ending.detail IS 'What the commitment is for, for people: instance type and product, or region and instance family.';
COMMENT ON COLUMN commitments_ending.instances IS 'How many instances or nodes are reserved. Null: a Savings Plan.';
COMMENT ON COLUMN commitments_ending.commitment_per_hour IS 'What the account committed itself to in an hour. Null: a reservation.';
COMMENT ON COLUMN commitments_ending.currency IS 'Currency of the commitment. Null: AWS does not say.';
COMMENT ON COLUMN commitments_ending.started_at IS 'Start of the term.';
COMMENT ON COLUMN commitments_ending.ends_at IS 'End of the term.';
COMMENT ON COLUMN commitments_ending.days_left IS 'Whole days from now to the end.';
