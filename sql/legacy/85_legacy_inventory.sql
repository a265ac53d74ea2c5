-- Words that dashboards filter by are the predecessor's: buckets are Active, groups are so
-- while they have instances, functions have a Generic zone and their runtime as type.
CREATE VIEW legacy.service_resources AS
SELECT legacy.id('resource/' || row_key) AS id,
       legacy.account(account_id, CASE service WHEN 'S3' THEN 'global' ELSE region END) AS account_id,
       service AS service_name,
       resource_type, resource_id,
       coalesce(resource_name, '') AS resource_name,
       region,
       CASE service WHEN 'Lambda' THEN 'Generic' ELSE availability_zone END AS availability_zone,
       CASE service WHEN 'S3' THEN 'Active'
                    WHEN 'AutoScaling' THEN CASE WHEN instance_count > 0 THEN 'Active' ELSE 'Inactive' END
                    ELSE state END AS state,
       CASE service WHEN 'Lambda' THEN engine ELSE instance_type END AS instance_type,
       vpc_id, engine, instance_class, multi_az, size_gb, volume_type,
       created AS creation_date,
       subtype AS type,
       scheme, instance_count, min_size, max_size, available_ip_count,
       collected_at AS created_at,
       resource_arn,
       account_id AS account,
       legacy.place(CASE service WHEN 'S3' THEN 'global' ELSE region END) AS account_region
FROM public.resources;

CREATE VIEW legacy.inventory_instances AS
SELECT legacy.id('node/' || i.account_id || '/' || i.region || '/' || i.instance_id) AS id,
       legacy.account(i.account_id, i.region) AS account_id,
       i.instance_id, e.instance_type,
       i.platform_name AS platform,
       i.ip_address, i.computer_name, i.ping_status,
       i.last_ping_at AS last_ping_date_time,
       i.agent_version,
       i.first_seen_at AS created_at,
       i.platform_type, i.platform_version, i.is_latest_version, i.association_status,
       i.last_association_at AS association_execution_date,
       i.last_association_success_at AS association_success_date,
       i.account_id AS account,
       legacy.place(i.region) AS account_region
FROM obs.ssm_instances i
LEFT JOIN obs.ec2_instances e ON e.account_id = i.account_id AND e.region = i.region AND e.instance_id = i.instance_id AND e.deleted_at IS NULL
WHERE i.deleted_at IS NULL;

CREATE VIEW legacy.inventory_applications AS
SELECT legacy.id('application/' || row_key) AS id,
       legacy.account(account_id, region) AS account_id,
       legacy.id('node/' || account_id || '/' || region || '/' || instance_id) AS instance_id,
       name, version, publisher, architecture, application_type,
       installed_at AS install_time,
       first_seen_at AS created_at,
       instance_id AS node,
       account_id AS account,
       legacy.place(region) AS account_region
FROM obs.ssm_applications
WHERE deleted_at IS NULL;

CREATE VIEW legacy.inventory_patches AS
SELECT legacy.id('patch/' || row_key) AS id,
       legacy.account(account_id, region) AS account_id,
       legacy.id('node/' || account_id || '/' || region || '/' || instance_id) AS instance_id,
       title,
       coalesce(classification, 'Normal') AS classification,
       coalesce(severity, 'None') AS severity,
       state,
       installed_at AS installed_time,
       first_seen_at AS created_at,
       instance_id AS node,
       account_id AS account,
       legacy.place(region) AS account_region
FROM obs.ssm_patches
WHERE deleted_at IS NULL;
