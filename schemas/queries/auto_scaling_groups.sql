-- Groups that do not have the instances that they should
SELECT account_id, region, name, desired_capacity, instance_count, in_service_count, healthy_count
FROM current_auto_scaling_groups
WHERE in_service_count < desired_capacity
   OR healthy_count < instance_count
ORDER BY account_id, region, name;

-- Groups that cannot grow any more
SELECT account_id, region, name, max_size
FROM current_auto_scaling_groups
WHERE desired_capacity = max_size
  AND max_size > min_size
ORDER BY account_id, region, name;

-- Groups that still have a launch configuration
SELECT account_id, region, name, launch_configuration_name
FROM current_auto_scaling_groups
WHERE launch_configuration_name IS NOT NULL
ORDER BY account_id, region, name;
