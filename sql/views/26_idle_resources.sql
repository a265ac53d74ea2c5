-- What costs money and does nothing; live.idle_resources has the rules.
CREATE VIEW idle_resources AS
SELECT account_id, region, kind, resource, name, detail, since
FROM summary.idle_resources;

COMMENT ON VIEW idle_resources IS 'What costs money and does nothing: volumes that no instance uses, instances that are stopped, whose volumes still cost, and Auto Scaling groups without instances. A row per resource.';
COMMENT ON COLUMN idle_resources.account_id IS 'Account of the resource.';
COMMENT ON COLUMN idle_resources.region IS 'Region of the resource.';
COMMENT ON COLUMN idle_resources.kind IS 'unattached_volume, stopped_instance or empty_auto_scaling_group.';
COMMENT ON COLUMN idle_resources.resource IS 'Identifier of the volume or instance, ARN of the group.';
COMMENT ON COLUMN idle_resources.name IS 'Name of the resource. Null: none.';
COMMENT ON COLUMN idle_resources.detail IS 'Size and type of the volume, type of the instance, largest size of the group.';
COMMENT ON COLUMN idle_resources.since IS 'When the volume or group was created, or the instance was started last: it is idle for no longer. Null: AWS does not say.';
