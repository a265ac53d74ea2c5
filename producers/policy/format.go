package policy

import (
	"fmt"
	"regexp"
	"strings"
)

// CloudFormation returns a template with a managed policy for each document. Its outputs are
// their ARNs.
func CloudFormation(documents []Document) string {
	type object map[string]any
	resources, outputs := object{}, object{}
	for i, d := range documents {
		name := fmt.Sprintf("SpokeCollect%d", i+1)
		resources[name] = object{
			"Type":       "AWS::IAM::ManagedPolicy",
			"Properties": object{"Description": description(i, documents), "PolicyDocument": d},
		}
		outputs[name] = object{"Value": object{"Ref": name}}
	}
	return string(marshal(object{
		"AWSTemplateFormatVersion": "2010-09-09", "Description": "What a spoke may do", "Resources": resources,
		"Outputs": outputs,
	}, "  "))
}

// Terraform returns a module with a managed policy for each document, and a list of their ARNs
// as its output.
func Terraform(documents []Document) string {
	var b strings.Builder
	var arns []string
	for i, d := range documents {
		name := fmt.Sprintf("spoke_collect_%d", i+1)
		// JSON is an expression of Terraform, but for what it takes for a reference.
		expression := strings.ReplaceAll(strings.ReplaceAll(d.JSON(), "${", "$${"), "\n", "\n  ")
		expression = keyRE.ReplaceAllString(expression, `$1 : `) // as terraform fmt has it
		fmt.Fprintf(&b, "resource \"aws_iam_policy\" %q {\n  name_prefix = %q\n  description = %q\n"+
			"  policy = jsonencode(%s)\n}\n\n", name, fmt.Sprintf("spoke-collect-%d-", i+1), description(i, documents),
			expression)
		arns = append(arns, "aws_iam_policy."+name+".arn")
	}
	fmt.Fprintf(&b, "output \"spoke_policy_arns\" {\n  value = [%s]\n}", strings.Join(arns, ", "))
	return b.String()
}

var keyRE = regexp.MustCompile(`(?m)^( *"[A-Za-z:]+"): `)

func description(i int, documents []Document) string {
	return fmt.Sprintf("What a spoke may do, %d of %d", i+1, len(documents))
}
