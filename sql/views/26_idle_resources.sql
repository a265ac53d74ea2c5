-- What costs money and does nothing; live.idle_resources has the rules.
CREATE VIEW idle_resources AS
SELECT account_id, region, kind, resource, name, detail, since
FROM summary.idle_resources;

COMMENT ON VIEW idle_resources IS 'What costs money and does nothing: volumes that no instance uses, stopped instances with volumes that still cost, Auto Scaling groups without instances, and what the Compute Optimizer says is idle. A row per resource and kind.';
COMMENT ON COLUMN idle_resources.account_id IS 'Account of the resource.';
COMMENT ON COLUMN idle_resources.region IS 'Region of the resource.';
COMMENT ON COLUMN idle_resources.kind IS 'unattached_volume, stopped_instance, empty_auto_scaling_group or idle_recommendation.';
COMMENT ON COLUMN idle_resources.resource IS 'Identifier of the volume or instance, ARN of the group and of what is idle by recommendation.';
COMMENT ON COLUMN idle_resources.name IS 'Name of the resource. Null: none.';
COMMENT ON COLUMN idle_resources.detail IS 'Size and type of the volume, type of the instance, largest size of the group, finding of the recommendation.';
COMMENT ON COLUMN idle_resources.since IS 'When the volume or group was created, or the instance was started last: it is idle for no longer; when the recommendation was collected first. Null: AWS does not say.';
