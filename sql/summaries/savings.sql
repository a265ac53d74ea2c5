-- What could be saved: recommendations, a row for each. Which one counts, where there are
-- several about the same resource, is up to savings_opportunities.
CREATE VIEW live.savings AS
SELECT account_id, region, row_key, 1 AS rank, 'Cost Optimization Hub' AS source,
       left(coalesce(resource_region, 'global'), 32) AS resource_region,
       left(coalesce(resource_arn, resource_id, recommendation_id), 512) AS resource,
       left(current_resource_type, 128) AS resource_type,
       left(action_type, 128) AS action,
       left(current_resource_summary, 256) AS current,
       left(recommended_resource_summary, 256) AS recommended,
       estimated_monthly_savings AS monthly_savings,
       left(currency, 16) AS currency,
       left(implementation_effort, 32) AS effort,
       first_seen_at
FROM obs.cost_recommendations
WHERE deleted_at IS NULL
UNION ALL
SELECT account_id, region, row_key, 2, 'Compute Optimizer', region, left(resource_arn, 512),
       left(recommendation_type, 128),
       left(finding, 128),
       left(coalesce(current_instance_type, nullif(concat_ws(' ', current_volume_type, current_volume_size_gb || ' GiB'), ''),
                     current_memory_mb || ' MB'), 256),
       left(coalesce(recommended_instance_type, nullif(concat_ws(' ', recommended_volume_type, recommended_volume_size_gb || ' GiB'), ''),
                     recommended_memory_mb || ' MB'), 256),
       estimated_monthly_savings,
       left(currency, 16),
       left(migration_effort, 32),
       first_seen_at
FROM obs.compute_recommendations
WHERE deleted_at IS NULL AND estimated_monthly_savings > 0;

ALTER TABLE summary.savings ADD PRIMARY KEY (account_id, region, row_key);

COMMENT ON VIEW live.savings IS 'Recommendations to save costs.';
COMMENT ON COLUMN live.savings.account_id IS 'Account of the resource.';
COMMENT ON COLUMN live.savings.region IS 'Region in which the recommendation was collected.';
COMMENT ON COLUMN live.savings.row_key IS 'Key of the row in the table of the category.';
COMMENT ON COLUMN live.savings.rank IS 'Of several about a resource, the one with the lowest counts.';
COMMENT ON COLUMN live.savings.source IS 'Who made the recommendation.';
COMMENT ON COLUMN live.savings.resource_region IS 'Region of the resource. global: it has none.';
COMMENT ON COLUMN live.savings.resource IS 'ARN of the resource, its identifier, or the recommendation where it is about none.';
COMMENT ON COLUMN live.savings.resource_type IS 'Type of the resource. Null: not known.';
COMMENT ON COLUMN live.savings.action IS 'What to do. Null: not known.';
COMMENT ON COLUMN live.savings.current IS 'What the resource is now. Null: not known.';
COMMENT ON COLUMN live.savings.recommended IS 'What it should be. Null: not known, or it should not be there.';
COMMENT ON COLUMN live.savings.monthly_savings IS 'What would be saved in a month. Null: not known.';
COMMENT ON COLUMN live.savings.currency IS 'Currency of monthly_savings. Null: as of that.';
COMMENT ON COLUMN live.savings.effort IS 'How much work it is. Null: not known.';
COMMENT ON COLUMN live.savings.first_seen_at IS 'When the recommendation was collected first.';
