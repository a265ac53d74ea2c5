package collectors

import (
	"slices"

	"github.com/hubspoke/observability/lib/collect"
)

// actions are the IAM actions of calls that have another name than the operation:
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
var actions = map[string]string{
	"s3:GetBucketEncryption":             "s3:GetEncryptionConfiguration",
	"s3:GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
	"s3:GetPublicAccessBlock":            "s3:GetBucketPublicAccessBlock",
	"s3:ListBuckets":                     "s3:ListAllMyBuckets",
}

// action returns the IAM action of a call.
func action(call string) string {
	if name, other := actions[call]; other {
		return name
	}
	return call
}

// Actions returns the IAM actions that a collector needs, each once.
func Actions(d collect.Declaration) []string {
	var list []string
	add := func(name string) {
		if !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	for _, call := range d.Calls {
		add(action(call))
	}
	for _, name := range d.Requires {
		add(name)
	}
	return list
}
