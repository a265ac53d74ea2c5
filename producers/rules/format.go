package rules

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Settings of the queue, in seconds. A hint that is older than four hours is worth
// nothing: polling was there before. A message that was received three times broke what
// read it.
const (
	retention   = 4 * 60 * 60
	visibility  = 5 * 60
	maxReceives = 3
)

// object keeps templates readable.
type object = map[string]any

// ofRules is the condition that EventBridge acts for rules of the spoke in the account of the stack.
var ofRules = object{
	"StringEquals": object{"aws:SourceAccount": object{"Ref": "AWS::AccountId"}},
	"ArnLike": object{"aws:SourceArn": object{
		"Fn::Sub": "arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:rule/spoke-*",
	}},
}

// Home returns a CloudFormation template for the home region: the queue of the spoke, and
// rules that lead to it.
func Home(list []Rule) string {
	queue := object{"Fn::GetAtt": []string{"Queue", "Arn"}}
	resources := object{
		"Queue": object{"Type": "AWS::SQS::Queue", "Properties": object{
			"MessageRetentionPeriod": retention, "VisibilityTimeout": visibility, "SqsManagedSseEnabled": true,
			"RedrivePolicy": object{
				"deadLetterTargetArn": object{"Fn::GetAtt": []string{"DeadLetters", "Arn"}}, "maxReceiveCount": maxReceives,
			},
		}},
		"DeadLetters": object{"Type": "AWS::SQS::Queue", "Properties": object{"SqsManagedSseEnabled": true}},
		"QueuePolicy": object{"Type": "AWS::SQS::QueuePolicy", "Properties": object{
			"Queues": []any{object{"Ref": "Queue"}},
			"PolicyDocument": object{"Version": "2012-10-17", "Statement": []any{object{
				"Effect": "Allow", "Principal": object{"Service": "events.amazonaws.com"},
				"Action": "sqs:SendMessage", "Resource": queue,
				"Condition": ofRules,
			}}},
		}},
	}
	for _, r := range list {
		resources[r.LogicalID()] = r.resource(object{"Id": "spoke", "Arn": queue})
	}
	return template("Queue of the spoke and the events that it hears of, in its home region.", object{
		"Resources": resources,
		"Outputs": object{
			"QueueUrl": object{"Description": "For spoke run --events", "Value": object{"Ref": "Queue"}},
			"QueueArn": object{"Description": "For spoke policy --events", "Value": queue},
		},
	})
}

// Edge returns a CloudFormation template for each of the other regions: rules that
// forward events to the default event bus of the home region, which a parameter names.
func Edge(list []Rule) string {
	bus := object{"Ref": "HomeBusArn"}
	resources := object{"Role": object{"Type": "AWS::IAM::Role", "Properties": object{
		"AssumeRolePolicyDocument": object{"Version": "2012-10-17", "Statement": []any{object{
			"Effect": "Allow", "Principal": object{"Service": "events.amazonaws.com"}, "Action": "sts:AssumeRole",
			"Condition": ofRules,
		}}},
		"Policies": []any{object{"PolicyName": "PutEvents", "PolicyDocument": object{
			"Version":   "2012-10-17",
			"Statement": []any{object{"Effect": "Allow", "Action": "events:PutEvents", "Resource": bus}},
		}}},
	}}}
	conditions := object{}
	for _, r := range list {
		resource := r.resource(object{"Id": "spoke", "Arn": bus, "RoleArn": object{"Fn::GetAtt": []string{"Role", "Arn"}}})
		if r.Only != "" {
			name := "In" + logicalID(r.Only)
			conditions[name] = emits(r.Only)
			resource["Condition"] = name
		}
		resources[r.LogicalID()] = resource
	}
	content := object{
		"Parameters": object{"HomeBusArn": object{
			"Type":           "String",
			"Description":    "ARN of the default event bus in the home region of the spoke, in this account",
			"AllowedPattern": "arn:[a-z-]+:events:[a-z0-9-]+:[0-9]{12}:event-bus/default",
		}},
		"Resources": resources,
	}
	if len(conditions) > 0 {
		content["Conditions"] = conditions
	}
	return template("Forwards events that the spoke hears of to its home region.", content)
}

// emits is the condition that a stack is in the region that emits events.
func emits(only string) object {
	equals := func(region string) object { return object{"Fn::Equals": []any{object{"Ref": "AWS::Region"}, region}} }
	if only != "us-east-1" {
		return equals(only)
	}
	return object{"Fn::Or": []any{equals("us-east-1"), equals("us-gov-west-1"), equals("cn-north-1")}}
}

func (r Rule) resource(target object) object {
	return object{"Type": "AWS::Events::Rule", "Properties": object{
		"Name": r.Name, "Description": r.Description, "State": "ENABLED", "EventPattern": r.Pattern,
		"Targets": []any{target},
	}}
}

func template(description string, content object) string {
	content["AWSTemplateFormatVersion"], content["Description"] = "2010-09-09", description
	return indent(content)
}

func indent(v any) string {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		panic(err) // maps and texts, and patterns that were made by Pattern
	}
	return string(text)
}

var words = regexp.MustCompile(`[A-Za-z0-9]+`)

// LogicalID is the name of the rule in a template of CloudFormation.
func (r Rule) LogicalID() string { return logicalID(r.Name) }

// logicalID writes spoke-kms_keys-kms as SpokeKmsKeysKms.
func logicalID(name string) string {
	var b strings.Builder
	for _, word := range words.FindAllString(name, -1) {
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String()
}

// JSON returns the rules as an array.
func JSON(list []Rule) string { return indent(list) }

// TerraformHome returns what Home does as resources of Terraform.
func TerraformHome(list []Rule) string {
	var b strings.Builder
	fmt.Fprintf(&b, `data "aws_caller_identity" "spoke" {}

resource "aws_sqs_queue" "spoke_events" {
  name                       = "spoke-events"
  message_retention_seconds  = %d
  visibility_timeout_seconds = %d
  sqs_managed_sse_enabled    = true
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.spoke_events_dead.arn
    maxReceiveCount     = %d
  })
}

resource "aws_sqs_queue" "spoke_events_dead" {
  name                    = "spoke-events-dead"
  sqs_managed_sse_enabled = true
}

resource "aws_sqs_queue_policy" "spoke_events" {
  queue_url = aws_sqs_queue.spoke_events.url
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "events.amazonaws.com" }
      Action    = "sqs:SendMessage"
      Resource  = aws_sqs_queue.spoke_events.arn
      Condition = {
        ArnLike      = { "aws:SourceArn" = "arn:*:events:*:*:rule/spoke-*" }
        StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.spoke.account_id }
      }
    }]
  })
}
`, retention, visibility, maxReceives)
	for _, r := range list {
		r.terraform(&b, "", "aws_sqs_queue.spoke_events.arn", "")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// TerraformEdge returns what Edge does as resources of Terraform.
func TerraformEdge(list []Rule) string {
	var b strings.Builder
	b.WriteString(`variable "home_bus_arn" {
  type        = string
  description = "ARN of the default event bus in the home region of the spoke, in this account"
}

data "aws_caller_identity" "spoke" {}

data "aws_region" "spoke" {}

resource "aws_iam_role" "spoke_events" {
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "events.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = {
        ArnLike      = { "aws:SourceArn" = "arn:*:events:*:*:rule/spoke-*" }
        StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.spoke.account_id }
      }
    }]
  })
}

resource "aws_iam_role_policy" "spoke_events" {
  role = aws_iam_role.spoke_events.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "events:PutEvents", Resource = var.home_bus_arn }]
  })
}
`)
	for _, r := range list {
		condition := ""
		if r.Only != "" {
			condition = fmt.Sprintf("data.aws_region.spoke.name == %q", r.Only)
		}
		if r.Only == "us-east-1" {
			condition = `contains(["us-east-1", "us-gov-west-1", "cn-north-1"], data.aws_region.spoke.name)`
		}
		r.terraform(&b, condition, "var.home_bus_arn", "aws_iam_role.spoke_events.arn")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func (r Rule) terraform(b *strings.Builder, condition, target, role string) {
	id := strings.ReplaceAll(r.Name, "-", "_")
	index := ""
	block := func(kind string, width int, pairs ...string) {
		fmt.Fprintf(b, "\nresource %q %q {\n", kind, id)
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i+1] != "" {
				fmt.Fprintf(b, "  %-*s = %s\n", width, pairs[i], pairs[i+1])
			}
		}
		b.WriteString("}\n")
	}
	if condition != "" {
		condition, index = condition+" ? 1 : 0", "[0]"
	}
	block("aws_cloudwatch_event_rule", len("event_pattern"), "count", condition, "name", strconv.Quote(r.Name),
		"description", strconv.Quote(r.Description), "event_pattern", strconv.Quote(string(r.Pattern)))
	block("aws_cloudwatch_event_target", len("target_id"), "count", condition,
		"rule", "aws_cloudwatch_event_rule."+id+index+".name", "target_id", `"spoke"`, "arn", target, "role_arn", role)
}
