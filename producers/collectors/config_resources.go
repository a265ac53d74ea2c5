package collectors

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/configservice"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/schemas"
)

// Resources that Config records are read with an advanced query for named properties; the
// whole configuration may hold secrets. One request reads 100 resources: 20,000 take 200
// requests and about a minute. AWS charges nothing for it. A region in which Config is off
// is disabled; resources that were deleted are not in the answer.
var ConfigResources = collect.Collector[schemas.ConfigResource]{
	Category: schemas.ConfigResources,
	Reach:    collect.PerRegion,
	Every:    24 * time.Hour,
	Long:     true,
	Calls:    []string{"config:SelectResourceConfig", "config:DescribeConfigurationRecorders"},
	Collect:  unlessConfigIsOff(collectConfigResources),
}

// configResourceQuery asks for properties that are in AWS's list of them, because it refuses
// others: https://github.com/awslabs/aws-config-resource-schema. Results of rules are no
// resources.
const configResourceQuery = `SELECT resourceType, resourceId, resourceName, arn, accountId, awsRegion, ` +
	`availabilityZone, resourceCreationTime, configurationItemCaptureTime, configurationItemStatus, ` +
	`recordingFrequency, tags, configuration.state.name, configuration.state.value, configuration.state.code, ` +
	`configuration.dBInstanceStatus, configuration.status, configuration.instanceType, ` +
	`configuration.dBInstanceClass, configuration.engine, configuration.runtime, configuration.vpcId, ` +
	`configuration.vpcConfig.vpcId, configuration.dBSubnetGroup.vpcId, configuration.size, ` +
	`configuration.allocatedStorage, configuration.volumeType, configuration.storageType, ` +
	`configuration.multiAZ, configuration.scheme, configuration.type, configuration.packageType, ` +
	`configuration.minSize, configuration.maxSize, configuration.desiredCapacity, ` +
	`configuration.availableIpAddressCount WHERE NOT resourceType = 'AWS::Config::ResourceCompliance' ` +
	`AND NOT resourceType = 'AWS::Config::ConformancePackCompliance'`

func collectConfigResources(ctx context.Context, env *collect.Env, emit func(schemas.ConfigResource) error) error {
	input := &configservice.SelectResourceConfigInput{Expression: aws.String(configResourceQuery), Limit: 100}
	pages := configservice.NewSelectResourceConfigPaginator(configservice.NewFromConfig(env.AWS), input)
	list := each(ctx, pages, func(p *configservice.SelectResourceConfigOutput) ([]string, *string) {
		return p.Results, p.NextToken
	})
	// A resource that changes while the pages are read may be in two of them.
	type key struct{ kind, id string }
	seen := map[key]bool{}
	for result, err := range list {
		if err != nil {
			return err
		}
		row, err := configResource(env, *result)
		if err != nil {
			return err
		}
		if k := (key{row.ResourceType, row.ResourceID}); !seen[k] {
			seen[k] = true
			if err := emit(row); err != nil {
				return err
			}
		}
	}
	return nil
}

// configResourceItem is one result of the query.
type configResourceItem struct {
	ResourceType, ResourceID, ResourceName, ARN, AccountID, AWSRegion, AvailabilityZone string
	ResourceCreationTime, ConfigurationItemCaptureTime                                  string
	ConfigurationItemStatus, RecordingFrequency                                         string

	Tags []struct{ Key, Value *string }
	// Configuration has another form in each type of resource.
	Configuration any
}

func configResource(env *collect.Env, result string) (schemas.ConfigResource, error) {
	var item configResourceItem
	if err := json.Unmarshal([]byte(result), &item); err != nil {
		return schemas.ConfigResource{}, fmt.Errorf("SelectResourceConfig: a result is not what was asked for: %w", err)
	}
	c := configResourceValues{item.Configuration}
	tags := tagMap(item.Tags)
	at := func(field, value string) *time.Time { return parseTime(env, item.ResourceID, field, &value) }
	return schemas.ConfigResource{
		ResourceType:       item.ResourceType,
		ResourceID:         item.ResourceID,
		ResourceName:       enum(item.ResourceName),
		ResourceARN:        enum(item.ARN),
		ResourceAccountID:  enum(item.AccountID),
		ResourceRegion:     enum(item.AWSRegion),
		AvailabilityZone:   enum(item.AvailabilityZone),
		ResourceCreatedAt:  at("resourceCreationTime", item.ResourceCreationTime),
		CapturedAt:         at("configurationItemCaptureTime", item.ConfigurationItemCaptureTime),
		ItemStatus:         enum(item.ConfigurationItemStatus),
		RecordingFrequency: enum(item.RecordingFrequency),
		State:              c.text("state.name", "state.value", "dBInstanceStatus", "status", "state.code"),
		InstanceType:       c.text("instanceType", "dBInstanceClass"),
		Engine:             c.text("engine", "runtime"),
		VPCID:              c.text("vpcId", "vpcConfig.vpcId", "dBSubnetGroup.vpcId"),
		SizeGB:             c.integer("size", "allocatedStorage"),
		VolumeType:         c.text("volumeType", "storageType"),
		MultiAZ:            c.bool("multiAZ"),
		Scheme:             c.text("scheme"),
		Subtype:            c.text("type", "packageType"),
		MinSize:            c.integer("minSize"),
		MaxSize:            c.integer("maxSize"),
		InstanceCount:      c.integer("desiredCapacity"),
		AvailableIPCount:   c.integer("availableIpAddressCount"),
		Tags:               jsonOf(tags),
	}, nil
}

// configResourceValues finds the values of a configuration, each with the first of its paths
// that has one of the wanted kind: types of resources have other things by the same name.
type configResourceValues struct{ root any }

func (c configResourceValues) at(path string) any {
	value := c.root
	for name := range strings.SplitSeq(path, ".") {
		object, _ := value.(map[string]any)
		value = object[name]
	}
	return value
}

func (c configResourceValues) text(paths ...string) *string {
	for _, path := range paths {
		if value, ok := c.at(path).(string); ok && value != "" {
			return &value
		}
	}
	return nil
}

// integer returns a whole number: Config writes 100 as 100.0.
func (c configResourceValues) integer(paths ...string) *int64 {
	for _, path := range paths {
		if value, ok := c.at(path).(float64); ok && value == math.Trunc(value) && math.Abs(value) < 1<<53 {
			return new(int64(value))
		}
	}
	return nil
}

func (c configResourceValues) bool(path string) *bool {
	if value, ok := c.at(path).(bool); ok {
		return &value
	}
	return nil
}
