package deploy_test

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A rule is something that holds of all templates.
type rule struct {
	// number in the list of rules; those that are not here are in elsewhere.
	number string
	// what holds.
	what string
	// check returns what does not hold: the file and the resource, and what to do.
	check func(templates) []string
	// plant puts a fault into the templates and returns what the finding must name. Each rule is seen to fail by it.
	plant func(*planter) string
}

// elsewhere are the rules that something else tests, by the file that has them.
var elsewhere = map[string]string{
	"T5": "policytest/rules.mjs", "T17": "policytest/rules.mjs", "T18": "policytest/rules.mjs",
	"T22": "policytest/rules.mjs", "T43": "policytest/rules.mjs",
	"T46": "policytest/upgrade.mjs", "T49": "../internal/deps_test.go",
}

const lastRule = 54

func TestRules(t *testing.T) {
	for _, rule := range rules {
		t.Run(rule.number+" "+rule.what, func(t *testing.T) {
			for _, finding := range rule.check(read(t)) {
				t.Error(finding)
			}
		})
	}
}

// TestRulesFindFaults plants a fault into the real templates for each rule.
func TestRulesFindFaults(t *testing.T) {
	for _, rule := range rules {
		t.Run(rule.number, func(t *testing.T) {
			p := &planter{T: t, templates: read(t)}
			before := rule.check(p.templates)
			place := rule.plant(p)
			after := rule.check(p.templates)
			if !slices.ContainsFunc(after, func(finding string) bool {
				return strings.Contains(finding, place) && !slices.Contains(before, finding)
			}) {
				t.Errorf("the planted fault in %s is not found: %q", place, after)
			}
		})
	}
}

func TestNoRuleIsLost(t *testing.T) {
	here := map[string]bool{}
	for _, rule := range rules {
		here[rule.number] = true
	}
	for number := range lastRule {
		name := fmt.Sprintf("T%d", number+1)
		file, isElsewhere := elsewhere[name]
		if here[name] == isElsewhere {
			t.Errorf("%s: a rule is either in rules or in elsewhere", name)
		}
		if !isElsewhere {
			continue
		}
		source, err := os.ReadFile(file)
		if err != nil {
			t.Error(err)
		} else if !regexp.MustCompile(name + `\b`).Match(source) {
			t.Errorf("%s does not mention %s", file, name)
		}
	}
}

// A planter finds places for faults. There is nothing to plant in a template that is not there.
type planter struct {
	*testing.T
	templates
}

func (p *planter) template(file string) *template {
	p.Helper()
	if p.templates[file] == nil {
		p.Skipf("there is no %s yet", file)
	}
	return p.templates[file]
}

// first returns the first resource of a type.
func (p *planter) first(file, kind string) resource {
	p.Helper()
	all := p.template(file).resources(kind)
	if len(all) == 0 {
		p.Fatalf("%s has no %s to plant a fault in", file, kind)
	}
	return all[0]
}

// statement returns the first statement for which a function says yes.
func (p *planter) statement(file string, is func(statement) bool) statement {
	p.Helper()
	p.template(file)
	for _, s := range p.statements() {
		if s.file == file && is(s) {
			return s
		}
	}
	p.Fatalf("%s has no such statement to plant a fault in", file)
	return statement{}
}

// widens adds a statement to the first policy of a role in the hub.
func (p *planter) widens(added map[string]any) string {
	policy := p.first(hub, "AWS::IAM::RolePolicy")
	added["Effect"], added["Sid"] = "Allow", "Planted"
	statements, _ := policy.prop("PolicyDocument", "Statement").([]any)
	policy.set(append(statements, added), "PolicyDocument", "Statement")
	return policy.id
}

// sets changes a property of the first resource of a type in the hub.
func sets(kind string, v any, path ...string) func(*planter) string {
	return func(p *planter) string {
		r := p.first(hub, kind)
		r.set(v, path...)
		return r.id
	}
}

// drops takes a condition key out of the first statement in the hub for which a function says yes.
func drops(key string, is func(statement) bool) func(*planter) string {
	return func(p *planter) string {
		s := p.statement(hub, func(s statement) bool { return s.has(key) && is(s) })
		s.without(key)
		return s.id
	}
}

// statementsThat makes a check of the statements that are meant. A finding says what is wrong with one.
func statementsThat(are func(statement) bool, wrong func(statement) string) func(templates) []string {
	return func(ts templates) (found []string) {
		for _, s := range ts.statements() {
			if !are(s) {
				continue
			}
			if finding := wrong(s); finding != "" {
				found = append(found, fmt.Sprintf("%s %s", s, finding))
			}
		}
		return found
	}
}

// resourcesThat makes a check of the resources of a type.
func resourcesThat(kind string, wrong func(templates, resource) string) func(templates) []string {
	return func(ts templates) (found []string) {
		for _, r := range ts.resources(kind) {
			if finding := wrong(ts, r); finding != "" {
				found = append(found, fmt.Sprintf("%s %s", r, finding))
			}
		}
		return found
	}
}

// retained reports whether a policy keeps a resource when its stack is deleted. One of a stack that fails while it is
// made has no data yet.
func retained(policy any) bool { return policy == "Retain" || policy == "RetainExceptOnCreate" }

func allows(s statement) bool         { return s.allows() }
func allowsAnybody(s statement) bool  { return s.allows() && s.anybody() && !s.isEndpoint() }
func allowsService(s statement) bool  { return s.allows() && len(s.services()) > 0 }
func isOfStream(s statement) bool     { return s.kind == "AWS::Kinesis::ResourcePolicy" }
func isOfBucket(s statement) bool     { return s.kind == "AWS::S3::BucketPolicy" }
func everyStatement(s statement) bool { return true }
func isOfSpoke(s statement) bool      { return s.allows() && s.file == spoke && s.isIdentity() }
func forThisAccount(s statement) bool { return s.has("kms:CallerAccount") }
func throughAService(s statement) bool {
	return s.has("kms:ViaService") || s.has("kms:EncryptionContext:")
}

// sources says what a service sends about whom it acts for. Services that are not here must be compared by account and
// resource.
var sources = map[string]string{
	"lambda.amazonaws.com":     "account",
	"quicksight.amazonaws.com": "account",
	"ec2.amazonaws.com":        "nothing: an instance gets its role by its profile, which iam:PassRole guards",
}

// keyAdministration are the actions with a wildcard that administrators of keys have.
var keyAdministration = regexp.MustCompile(
	`^kms:(Describe|Enable|List|Put|Update|Revoke|Disable|Get|Delete|Tag|Untag)\*$`)

// publicRE matches the properties that give something a public address.
var publicRE = regexp.MustCompile(`^(Associate|Assign)PublicIp|^MapPublicIpOnLaunch$|^PubliclyAccessible$`)

// stateful are the types of resources that hold what cannot be made again.
var stateful = []string{"AWS::S3::Bucket", "AWS::Kinesis::Stream", "AWS::KMS::Key", "AWS::RDS::DBCluster"}

var rules = []rule{
	{
		number: "T1", what: "nothing is allowed to anybody outside the organization",
		check: statementsThat(allowsAnybody, func(s statement) string {
			if s.has("aws:PrincipalOrgID") || forThisAccount(s) {
				return ""
			}
			return "allows everybody: compare aws:PrincipalOrgID"
		}),
		plant: drops("aws:PrincipalOrgID", allowsAnybody),
	},
	{
		number: "T2", what: "of the organization only named roles are allowed anything",
		check: statementsThat(allowsAnybody, func(s statement) string {
			pattern, operators := s.condition("aws:PrincipalArn")
			switch {
			case forThisAccount(s):
				return ""
			case !slices.Equal(operators, []string{"ArnLike"}):
				return "allows any role of the organization: compare aws:PrincipalArn by ArnLike"
			case !contains(pattern, ":role/"):
				return "compares aws:PrincipalArn with something that is no role"
			}
			writes := s.mentions("kinesis:Put*", "s3:Put*", "kms:GenerateDataKey*", "kms:Encrypt")
			if writes && !contains(pattern, "${SenderRoleName}") {
				return "lets a role write that is not SenderRoleName"
			}
			return ""
		}),
		plant: drops("aws:PrincipalArn", allowsAnybody),
	},
	{
		number: "T3", what: "no wildcard in actions that are allowed",
		check: statementsThat(allows, func(s statement) string {
			for _, action := range s.actions() {
				if strings.Contains(action, "*") && (!s.isKey() || !keyAdministration.MatchString(action)) {
					return "allows " + action + ": name the actions"
				}
			}
			return ""
		}),
		plant: func(p *planter) string {
			return p.widens(map[string]any{"Action": "kinesis:*", "Resource": "arn"})
		},
	},
	{
		number: "T4", what: "nothing is allowed by negation",
		check: statementsThat(everyStatement, func(s statement) string {
			switch {
			case s.m["NotAction"] != nil || s.m["NotPrincipal"] != nil:
				return "has NotAction or NotPrincipal: name what is meant"
			case s.m["NotResource"] != nil && s.allows():
				return "allows with NotResource: name the resources"
			}
			return ""
		}),
		plant: func(p *planter) string {
			return p.widens(map[string]any{"NotAction": "iam:*", "Resource": "*"})
		},
	},
	{
		number: "T6", what: "services act for this account only",
		check: statementsThat(allowsService, func(s statement) string {
			for _, service := range s.services() {
				sent := sources[service]
				switch {
				case strings.HasPrefix(sent, "nothing"):
				case s.has("kms:EncryptionContext:"): // It names the resource, with its account.
				case !s.has("aws:SourceAccount"):
					return "trusts " + service + " for any account: compare aws:SourceAccount"
				case sent != "account" && !s.has("aws:SourceArn"):
					return "trusts " + service + " for anything in the account: compare aws:SourceArn"
				}
			}
			return ""
		}),
		plant: drops("aws:SourceAccount", allowsService),
	},
	{
		number: "T7", what: "no role of others may be assumed but by an external id or within the organization",
		check: statementsThat(func(s statement) bool {
			return s.allows() && s.isTrust() && get(s.m, "Principal", "AWS") != nil
		}, func(s statement) string {
			if s.has("sts:ExternalId") || s.has("aws:PrincipalOrgID") {
				return ""
			}
			return "trusts a principal of AWS: compare sts:ExternalId or aws:PrincipalOrgID"
		}),
		plant: func(p *planter) string {
			role := p.first(spoke, "AWS::IAM::Role")
			role.set([]any{map[string]any{
				"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": map[string]any{"AWS": "arn"},
			}}, "AssumeRolePolicyDocument", "Statement")
			return role.id
		},
	},
	{
		number: "T8", what: "buckets refuse plain text, and the archive other keys and other organizations",
		check: checkBuckets,
		plant: func(p *planter) string {
			s := p.statement(hub, func(s statement) bool {
				return isOfBucket(s) && !s.allows() && s.has("aws:SecureTransport")
			})
			s.without("aws:SecureTransport")
			return fmt.Sprint(get(s.prop("Bucket"), "Ref"))
		},
	},
	{
		number: "T9", what: "a spoke writes below its own account, and reads no object",
		check: statementsThat(isOfSpoke, func(s statement) string {
			for _, action := range s.actions() {
				if !strings.HasPrefix(action, "s3:") || !strings.Contains(action, "Object") {
					continue
				}
				below := strings.Contains(text(s.m["Resource"]), "/data/account=${AWS::AccountId}/*") ||
					strings.Contains(text(s.m["Resource"]), "/data/account=${!aws:PrincipalAccount}/*")
				if action != "s3:PutObject" || !below || len(leaves(s.m["Resource"])) != 1 {
					return "allows " + action + ": only s3:PutObject below data/account=<own>/"
				}
			}
			return ""
		}),
		plant: func(p *planter) string {
			s := p.statement(spoke, func(s statement) bool { return s.mentions("s3:PutObject") })
			s.m["Resource"] = map[string]any{"Fn::Sub": "arn:${AWS::Partition}:s3:::${S3Bucket}/data/*"}
			return s.id
		},
	},
	{
		number: "T10", what: "the stream takes records over TLS, and nothing else",
		check: statementsThat(isOfStream, func(s statement) string {
			switch {
			case !s.allows():
				return ""
			case !slices.Equal(s.actions(), []string{"kinesis:PutRecords"}):
				return "allows more than kinesis:PutRecords"
			case !s.has("aws:SecureTransport"):
				return "allows plain text: compare aws:SecureTransport"
			}
			return ""
		}),
		plant: drops("aws:SecureTransport", isOfStream),
	},
	{
		number: "T11", what: "with keys of the hub a spoke does nothing but encrypt, through a service or with a context",
		check: statementsThat(func(s statement) bool {
			return isOfSpoke(s) && !isCollection(s) || allowsAnybody(s) && s.isKey() && !forThisAccount(s)
		}, func(s statement) string {
			for _, action := range s.actions() {
				if !strings.HasPrefix(action, "kms:") {
					continue
				}
				if action == "kms:GenerateMac" && get(s.m, "Resource", "Ref") == "PersonalKeyArn" {
					continue // An HMAC key neither encrypts nor decrypts, and is none of the hub's.
				}
				if action != "kms:GenerateDataKey" && action != "kms:Encrypt" {
					return "allows " + action
				}
				if !throughAService(s) {
					return "allows " + action + " from anywhere: compare kms:ViaService or kms:EncryptionContext"
				}
			}
			return ""
		}),
		plant: drops("kms:ViaService", func(s statement) bool { return s.isKey() && allowsAnybody(s) }),
	},
	{
		number: "T12", what: "nobody decrypts but through a service, with a context, or by the name of a role",
		check: statementsThat(func(s statement) bool {
			return s.allows() && s.mentions("kms:Decrypt")
		}, func(s statement) string {
			isNamed := s.isKey() && contains(get(s.m, "Principal", "AWS"), `Role","Arn"]`)
			if throughAService(s) || isNamed || len(s.services()) > 0 {
				return ""
			}
			return "allows kms:Decrypt from anywhere: compare kms:ViaService"
		}),
		plant: func(p *planter) string { return p.widens(map[string]any{"Action": "kms:Decrypt", "Resource": "arn"}) },
	},
	{
		number: "T13", what: "nobody makes grants or encrypts anew, but CloudWatch Logs its groups",
		check: statementsThat(allows, func(s statement) string {
			for _, action := range s.actions() {
				isGrant := action == "kms:CreateGrant" || action == "kms:Create*"
				isOther := strings.HasPrefix(action, "kms:ReEncrypt") && !s.has("kms:EncryptionContext:aws:logs:arn")
				if isOther || isGrant && !s.has("kms:GrantIsForAWSResource") {
					return "allows " + action + ": take it out, or compare kms:GrantIsForAWSResource"
				}
			}
			return ""
		}),
		plant: func(p *planter) string {
			return p.widens(map[string]any{"Action": "kms:CreateGrant", "Resource": "arn"})
		},
	},
	{
		number: "T14", what: "stream, archive and database have keys of their own",
		check: func(ts templates) (found []string) {
			t := ts[hub]
			if t == nil {
				return nil
			}
			if n := len(t.resources("AWS::KMS::Key")); n < 4 {
				found = append(found, fmt.Sprintf("hub.yaml has %d keys: stream, archive, database and logs need one each", n))
			}
			users := map[string]string{}
			for kind, path := range map[string][]string{
				"AWS::Kinesis::Stream": {"StreamEncryption", "KeyId"},
				"AWS::S3::Bucket": {"BucketEncryption", "ServerSideEncryptionConfiguration", "0", "ServerSideEncryptionByDefault",
					"KMSMasterKeyID"},
				"AWS::RDS::DBCluster": {"KmsKeyId"},
			} {
				for _, r := range t.resources(kind) {
					key := text(r.prop(path...))
					if other := users[key]; other != "" && other != kind && key != "null" {
						found = append(found, fmt.Sprintf("%s has the key of another service: %s", r, key))
					}
					users[key] = kind
				}
			}
			return found
		},
		plant: func(p *planter) string {
			key := p.first(hub, "AWS::Kinesis::Stream").prop("StreamEncryption", "KeyId")
			p.first(hub, "AWS::RDS::DBCluster").set(key, "KmsKeyId")
			return "has the key of another service"
		},
	},
	{
		number: "T15", what: "keys rotate, outlive the stack, and nobody has all rights on them",
		check: resourcesThat("AWS::KMS::Key", func(_ templates, r resource) string {
			switch {
			case r.prop("EnableKeyRotation") != true && !contains(r.prop("KeySpec"), "HMAC"):
				return "does not rotate: EnableKeyRotation: true"
			case !retained(r.body["DeletionPolicy"]) || r.body["UpdateReplacePolicy"] != "Retain":
				return "goes with the stack: DeletionPolicy and UpdateReplacePolicy: Retain"
			case contains(r.prop("KeyPolicy"), `"kms:*"`):
				return "allows kms:*"
			}
			return ""
		}),
		plant: sets("AWS::KMS::Key", nil, "EnableKeyRotation"),
	},
	{
		number: "T16", what: "a spoke may do what its collectors call, and never reads values",
		check: checkCollection,
		plant: func(p *planter) string {
			s := p.statement(spoke, isCollection)
			s.m["Action"] = append(s.m["Action"].([]any), "s3:GetBucketTagging2")
			return "s3:GetBucketTagging2"
		},
	},
	{
		number: "T19", what: "variables of IAM are escaped in Sub, and stand nowhere else",
		check: func(ts templates) (found []string) {
			for _, r := range ts.resources() {
				walk(r.body, nil, func(path []string, v any) {
					text, ok := v.(string)
					inSub := slices.Contains(path, "Fn::Sub")
					switch {
					case !ok:
					case inSub && regexp.MustCompile(`\$\{(aws|s3|kms|iam):`).MatchString(text):
						found = append(found, fmt.Sprintf("%s: write ${!aws:…} in Sub: %s", r, text))
					case !inSub && strings.Contains(text, "${!"):
						found = append(found, fmt.Sprintf("%s: ${! is an escape of Sub, and this is no Sub: %s", r, text))
					}
				})
			}
			return found
		},
		plant: func(p *planter) string {
			return p.widens(map[string]any{"Action": "s3:GetObject", "Resource": map[string]any{
				"Fn::Sub": "${Archive.Arn}/${aws:PrincipalAccount}/*"}})
		},
	},
	{
		number: "T20", what: "no account, region or partition stands in a template",
		check: checkLiterals,
		plant: func(p *planter) string {
			return p.widens(map[string]any{"Action": "s3:GetObject", "Resource": "arn:aws:s3:::x-123456789012/*"})
		},
	},
	{
		number: "T21", what: "roles have the boundary and the path that the organization demands",
		check: func(ts templates) (found []string) {
			for _, r := range ts.resources("AWS::IAM::Role", "AWS::IAM::ManagedPolicy") {
				if r.kind == "AWS::IAM::Role" && !contains(r.prop("PermissionsBoundary"), `{"Ref":"PermissionsBoundary"}`) {
					found = append(found, fmt.Sprintf("%s has no boundary: PermissionsBoundary by the parameter", r))
				}
				if r.prop("Path") == nil {
					found = append(found, fmt.Sprintf("%s has no path: Path: !Ref RolePath", r))
				}
			}
			return found
		},
		plant: sets("AWS::IAM::Role", nil, "PermissionsBoundary"),
	},
	{
		number: "T23", what: "what holds data outlives the stack and its replacement",
		check: func(ts templates) (found []string) {
			for _, r := range ts.resources(stateful...) {
				for _, policy := range []string{"DeletionPolicy", "UpdateReplacePolicy"} {
					if v := r.body[policy]; !retained(v) && v != "Snapshot" {
						found = append(found, fmt.Sprintf("%s: %s is Retain or Snapshot", r, policy))
					}
				}
			}
			return found
		},
		plant: func(p *planter) string {
			r := p.first(hub, "AWS::Kinesis::Stream")
			delete(r.body, "UpdateReplacePolicy")
			return r.id
		},
	},
	{
		number: "T24", what: "the database is protected, encrypted, private, backed up and speaks TLS only",
		check: checkDatabase,
		plant: sets("AWS::RDS::DBCluster", nil, "EnableIAMDatabaseAuthentication"),
	},
	{
		number: "T25", what: "no template knows a password of the database",
		check: resourcesThat("AWS::RDS::DBCluster", func(_ templates, r resource) string {
			if r.prop("MasterUserPassword") != nil || r.prop("ManageMasterUserPassword") != true {
				return "has a password: ManageMasterUserPassword: true"
			}
			return ""
		}),
		plant: sets("AWS::RDS::DBCluster", "hunter2hunter2", "MasterUserPassword"),
	},
	{
		number: "T26", what: "capacity of the database is in steps of 0.5, and its defaults fit",
		check: checkCapacity,
		plant: func(p *planter) string {
			scaling := p.first(hub, "AWS::RDS::DBCluster").prop("ServerlessV2ScalingConfiguration")
			name, _ := get(scaling, "MinCapacity", "Ref").(string)
			parameter := object(get(p.template(hub).root, "Parameters", name))
			delete(parameter, "AllowedPattern")
			delete(parameter, "AllowedValues")
			return name
		},
	},
	{
		number: "T27", what: "the stream is encrypted with our key and keeps a week",
		check: resourcesThat("AWS::Kinesis::Stream", func(_ templates, r resource) string {
			switch {
			case !contains(r.prop("StreamEncryption", "KeyId"), "Key"):
				return "is not encrypted with a key of the template"
			case r.least(r.prop("RetentionPeriodHours")) < 168:
				return "may keep less than a week: RetentionPeriodHours at least 168"
			}
			return ""
		}),
		plant: sets("AWS::Kinesis::Stream", 24, "RetentionPeriodHours"),
	},
	{
		number: "T28", what: "the consumer loses nothing and repeats what failed",
		check: resourcesThat("AWS::Lambda::EventSourceMapping", func(ts templates, r resource) string {
			if !contains(r.prop("EventSourceArn"), "Stream") {
				return ""
			}
			want := map[string]any{
				"StartingPosition": "TRIM_HORIZON", "BisectBatchOnFunctionError": true, "MaximumRetryAttempts": -1,
				"ParallelizationFactor": 1, "FunctionResponseTypes": []any{"ReportBatchItemFailures"},
			}
			for _, name := range slices.Sorted(maps.Keys(want)) {
				if text(r.prop(name)) != text(want[name]) {
					return fmt.Sprintf("has not %s: %s", name, text(want[name]))
				}
			}
			if age := r.prop("MaximumRecordAgeInSeconds"); age != nil && text(age) != "-1" {
				return "drops old records: MaximumRecordAgeInSeconds: -1"
			}
			if r.prop("DestinationConfig", "OnFailure", "Destination") == nil {
				return "keeps nothing of what is given up: DestinationConfig.OnFailure"
			}
			return ""
		}),
		plant: sets("AWS::Lambda::EventSourceMapping", nil, "StartingPosition"),
	},
	{
		number: "T29", what: "queues, topics and logs are encrypted, and logs end",
		check: func(ts templates) (found []string) {
			add := func(r resource, what string) { found = append(found, fmt.Sprintf("%s %s", r, what)) }
			for _, r := range ts.resources("AWS::SQS::Queue") {
				if r.prop("KmsMasterKeyId") == nil && r.prop("SqsManagedSseEnabled") != true {
					add(r, "is not encrypted: KmsMasterKeyId or SqsManagedSseEnabled")
				}
			}
			for _, r := range ts.resources("AWS::SNS::Topic") {
				if r.prop("KmsMasterKeyId") == nil {
					add(r, "is not encrypted: KmsMasterKeyId")
				}
			}
			for _, r := range ts.resources("AWS::Logs::LogGroup") {
				if r.prop("RetentionInDays") == nil {
					add(r, "keeps logs for ever: RetentionInDays")
				}
				if r.file == hub && r.prop("KmsKeyId") == nil {
					add(r, "is not encrypted with our key: KmsKeyId")
				}
			}
			return found
		},
		plant: sets("AWS::Logs::LogGroup", nil, "RetentionInDays"),
	},
	{
		number: "T30", what: "somebody hears of each queue",
		check: resourcesThat("AWS::SQS::Queue", func(ts templates, r resource) string {
			for _, alarm := range ts[r.file].resources("AWS::CloudWatch::Alarm") {
				if contains(alarm.prop(), fmt.Sprintf(`"Fn::GetAtt":[%q,"QueueName"]`, r.id)) {
					return ""
				}
			}
			return "has no alarm: one on ApproximateNumberOfMessagesVisible or its age"
		}),
		plant: func(p *planter) string {
			p.template(hub)
			for _, alarm := range p.resources("AWS::CloudWatch::Alarm") {
				if alarm.file == hub && contains(alarm.prop(), `"QueueName"`) {
					alarm.set([]any{}, "Dimensions")
				}
			}
			return p.first(hub, "AWS::SQS::Queue").id
		},
	},
	{
		number: "T31", what: "functions run a pinned version of the release, with a log group of their own and no secret",
		check: resourcesThat("AWS::Lambda::Function", checkFunction),
		plant: sets("AWS::Lambda::Function", nil, "Code", "S3ObjectVersion"),
	},
	{
		number: "T32", what: "no code stands in a template, and what a machine fetches is compared with its hash",
		check: func(ts templates) (found []string) {
			for _, r := range ts.resources() {
				if r.prop("Code", "ZipFile") != nil {
					found = append(found, fmt.Sprintf("%s has code in the template: take it from the release", r))
				}
				walk(r.prop(), nil, func(path []string, v any) {
					if len(path) == 0 || path[len(path)-1] != "UserData" {
						return
					}
					fetches := regexp.MustCompile(`curl|wget|s3 cp|s3api get-object`).MatchString(text(v))
					if fetches && !regexp.MustCompile(`sha256sum (-c|--check)`).MatchString(text(v)) {
						found = append(found, fmt.Sprintf("%s runs what it fetched: compare it by sha256sum -c", r))
					}
				})
			}
			return found
		},
		plant: sets("AWS::Lambda::Function", "x", "Code", "ZipFile"),
	},
	{
		number: "T33", what: "what QuickSight has is visible to the group that owns it",
		check: func(ts templates) (found []string) {
			for _, kind := range []string{"DataSource", "DataSet", "Analysis", "Dashboard", "Theme"} {
				for _, r := range ts.resources("AWS::QuickSight::" + kind) {
					if !contains(r.prop("Permissions"), "Group") {
						found = append(found, fmt.Sprintf("%s is visible to nobody: Permissions of QuickSightOwnerGroup", r))
					}
				}
			}
			return found
		},
		plant: func(p *planter) string {
			r := p.first(dashboards, "AWS::QuickSight::Dashboard")
			r.set(nil, "Permissions")
			return r.id
		},
	},
	{
		number: "T34", what: "a reader sees the accounts of a group",
		check: resourcesThat("AWS::QuickSight::DataSet", func(_ templates, r resource) string {
			rows := r.prop("RowLevelPermissionDataSet")
			hasAccount := contains(r.prop("PhysicalTableMap"), `"account_id"`) && r.prop("UseAs") == nil
			switch {
			case rows == nil && hasAccount:
				return "shows all accounts to everybody: RowLevelPermissionDataSet"
			case rows == nil:
				return ""
			case !contains(rows, `"VERSION_2"`) || !contains(rows, `"GRANT_ACCESS"`) || contains(rows, `"Namespace"`):
				return "has row-level permissions that QuickSight refuses: VERSION_2 and GRANT_ACCESS without Namespace"
			}
			return ""
		}),
		plant: func(p *planter) string {
			for _, r := range p.template(dashboards).resources("AWS::QuickSight::DataSet") {
				if r.prop("RowLevelPermissionDataSet") != nil {
					r.set(nil, "RowLevelPermissionDataSet")
					return r.id
				}
			}
			return p.first(dashboards, "AWS::QuickSight::DataSet").id
		},
	},
	{
		number: "T35", what: "dashboards show views and columns that there are",
		check: checkColumns,
		plant: func(p *planter) string {
			for _, r := range p.template(dashboards).resources("AWS::QuickSight::DataSet") {
				for _, table := range object(r.prop("PhysicalTableMap")) {
					if get(table, "CustomSql") != nil && !contains(table, "account_access") {
						put(table, "SELECT v.no_such_column FROM public.freshness v", "CustomSql", "SqlQuery")
						return r.id
					}
				}
			}
			return "a data set"
		},
	},
	{
		number: "T36", what: "nothing is open to all addresses",
		check: func(ts templates) (found []string) {
			for _, r := range ts.resources() {
				for _, leaf := range leaves(r.prop()) {
					if leaf == "0.0.0.0/0" || leaf == "::/0" {
						found = append(found, fmt.Sprintf("%s is open to %s", r, leaf))
					}
				}
				if r.kind == "AWS::EC2::SecurityGroup" && r.prop("SecurityGroupEgress") == nil {
					found = append(found, fmt.Sprintf("%s lets everything out: SecurityGroupEgress", r))
				}
			}
			return found
		},
		plant: sets("AWS::EC2::SecurityGroup", nil, "SecurityGroupEgress"),
	},
	{
		number: "T37", what: "StackSets take spoke.yaml as it is",
		check: func(ts templates) (found []string) {
			for _, t := range []*template{ts[spoke], ts[spokeRegion]} {
				if t == nil {
					continue
				}
				if size := len(t.source); size >= 51200 {
					found = append(found, fmt.Sprintf("%s has %d bytes: less than 51,200 can be uploaded by hand", t.file, size))
				}
				if t.root["Transform"] != nil {
					found = append(found, t.file+" has a Transform, which StackSets of an organization refuse")
				}
				for _, r := range t.resources("AWS::CloudFormation::Stack") {
					found = append(found, fmt.Sprintf("%s is a nested stack, which StackSets of an organization refuse", r))
				}
				for _, name := range t.section("Outputs") {
					if get(t.root, "Outputs", name, "Export") != nil {
						found = append(found, fmt.Sprintf("%s: output %s is exported: two spokes in an account collide", t.file, name))
					}
				}
			}
			return found
		},
		plant: func(p *planter) string {
			p.template(spoke).root["Transform"] = "AWS::Serverless-2016-10-31"
			return spoke
		},
	},
	{
		number: "T38", what: "nothing has a way to the internet",
		check: func(ts templates) (found []string) {
			for _, r := range ts.resources() {
				switch r.kind {
				case "AWS::EC2::NatGateway", "AWS::EC2::InternetGateway", "AWS::EC2::EIP", "AWS::EC2::EgressOnlyInternetGateway":
					found = append(found, fmt.Sprintf("%s is a way to the internet: use an endpoint", r))
				}
				walk(r.prop(), nil, func(path []string, v any) {
					if len(path) == 0 {
						return
					}
					name := path[len(path)-1]
					if publicRE.MatchString(name) && (v == true || v == "true" || v == "ENABLED") {
						found = append(found, fmt.Sprintf("%s has a public address: %s", r, name))
					}
				})
			}
			return found
		},
		plant: sets("AWS::EC2::Subnet", true, "MapPublicIpOnLaunch"),
	},
	{
		number: "T39", what: "endpoints let only this account through",
		check: func(ts templates) (found []string) {
			for _, r := range ts.resources("AWS::EC2::VPCEndpoint") {
				if r.prop("PolicyDocument") == nil {
					found = append(found, fmt.Sprintf("%s lets everybody through: PolicyDocument", r))
				}
			}
			for _, s := range ts.statements() {
				isOpen := !s.has("aws:PrincipalAccount") && slices.Contains(leaves(s.m["Resource"]), "*")
				if s.isEndpoint() && s.allows() && isOpen {
					found = append(found,
						fmt.Sprintf("%s lets other accounts through: compare aws:PrincipalAccount, or name the resources", s))
				}
			}
			return found
		},
		plant: sets("AWS::EC2::VPCEndpoint", nil, "PolicyDocument"),
	},
	{
		number: "T40", what: "a custom resource can answer CloudFormation",
		check: func(ts templates) (found []string) {
			for _, r := range ts.resources("AWS::EC2::VPCEndpoint") {
				if strings.HasSuffix(text(r.prop("ServiceName")), `.s3"}`) &&
					!contains(r.prop("PolicyDocument"), "cloudformation-custom-resource-response-") {
					found = append(found,
						fmt.Sprintf("%s does not admit the bucket of CloudFormation's answers: the stack would hang", r))
				}
			}
			return found
		},
		plant: func(p *planter) string {
			for _, r := range p.template(hub).resources("AWS::EC2::VPCEndpoint") {
				if contains(r.prop("ServiceName"), ".s3") {
					r.set(map[string]any{}, "PolicyDocument")
					return r.id
				}
			}
			return "an endpoint of S3"
		},
	},
	{
		number: "T41", what: "parameters say what they are and refuse what they are not",
		check: checkParameters,
		plant: func(p *planter) string {
			object(get(p.template(hub).root, "Parameters", "OrganizationId"))["Default"] = "YOUR_ORGANIZATION_ID"
			return "OrganizationId"
		},
	},
	{
		number: "T42", what: "each parameter, condition and mapping is used",
		check: checkUsed,
		plant: func(p *planter) string {
			object(p.template(hub).root["Parameters"])["Planted"] = map[string]any{"Type": "String"}
			return "Planted"
		},
	},
	{
		number: "T44", what: "each alarm watches a metric that there is, and has an entry in the runbook",
		check: checkAlarms,
		plant: func(p *planter) string {
			for _, alarm := range p.template(hub).resources("AWS::CloudWatch::Alarm") {
				if alarm.prop("MetricName") != nil {
					alarm.set("NoSuchMetric", "MetricName")
					return alarm.id
				}
			}
			return "an alarm"
		},
	},
	{
		number: "T55", what: "each alarm says what a time without datapoints means",
		check: resourcesThat("AWS::CloudWatch::Alarm", func(_ templates, r resource) string {
			switch treated := r.prop("TreatMissingData"); {
			case treated != "breaching" && treated != "notBreaching":
				return "waits for data that may never come: TreatMissingData is breaching or notBreaching"
			case contains(r.prop("Metrics"), "FILL("):
				return "fills a metric, and one that never had a datapoint has nothing to fill: an alarm for each metric, with " +
					"TreatMissingData"
			}
			return ""
		}),
		plant: func(p *planter) string {
			for _, alarm := range p.template(hub).resources("AWS::CloudWatch::Alarm") {
				if contains(alarm.prop("Metrics"), "IF(incoming") {
					alarm.set("FILL(incoming, 0)", "Metrics", "0", "Expression")
					return alarm.id
				}
			}
			return "an alarm"
		},
	},
	{
		number: "T45", what: "the hub hands over what the spokes ask for, and what users of the predecessor know",
		check: checkHandOver,
		plant: func(p *planter) string {
			delete(object(p.template(hub).root["Outputs"]), "StreamArn")
			return "StreamArn"
		},
	},
	{
		number: "T47", what: "machines and containers are closed",
		check: checkMachines,
		plant: sets("AWS::EC2::LaunchTemplate", "optional", "LaunchTemplateData", "MetadataOptions", "HttpTokens"),
	},
	{
		number: "T48", what: "CloudFormation takes the templates",
		check: func(ts templates) (found []string) {
			for _, t := range ts {
				for what, size := range map[string][2]int{
					"bytes": {len(t.source), 1_000_000}, "resources": {len(t.resources()), 500},
					"parameters": {len(t.section("Parameters")), 200}, "outputs": {len(t.section("Outputs")), 200},
				} {
					if size[0] > size[1] {
						found = append(found, fmt.Sprintf("%s has %d %s: %d are allowed", t.file, size[0], what, size[1]))
					}
				}
			}
			return found
		},
		plant: func(p *planter) string {
			t := p.template(hub)
			t.source = append(t.source, make([]byte, 1_000_000)...)
			return hub
		},
	},
	{
		number: "T50", what: "no aliases of YAML",
		check: func(ts templates) (found []string) {
			for _, t := range ts {
				for _, line := range t.aliases {
					found = append(found, fmt.Sprintf(
						"%s:%d: CloudFormation answers \"YAML aliases are not allowed in CloudFormation templates\": write it out",
						t.file, line))
				}
			}
			return found
		},
		plant: func(p *planter) string {
			p.template(hub)
			withAlias, err := parse([]byte("Metadata: {A: &a 1, B: *a}"))
			if err != nil {
				p.Fatal(err)
			}
			p.templates[hub] = withAlias.template(hub)
			return "hub.yaml:1"
		},
	},
	{
		number: "T51", what: "roles carry no policies",
		check: resourcesThat("AWS::IAM::Role", func(_ templates, r resource) string {
			if r.prop("Policies") != nil {
				return "has policies of its own, which make cycles with keys: write AWS::IAM::RolePolicy"
			}
			return ""
		}),
		plant: sets("AWS::IAM::Role", []any{}, "Policies"),
	},
	{
		number: "T52", what: "commands and settings are those of the programs",
		check: checkPrograms,
		plant: func(p *planter) string {
			r := p.first(hub, "AWS::Lambda::Function")
			r.set("true", "Environment", "Variables", "HUB_DATABSE_IAM")
			return "HUB_DATABSE_IAM"
		},
	},
	{
		number: "T53", what: "schedules collect each category, and ask for nothing that the spoke does not know",
		check: checkSchedules,
		plant: func(p *planter) string {
			for _, r := range p.template(spoke).resources("AWS::Scheduler::Schedule") {
				if contains(r.prop("Target", "Input"), "every") {
					r.set(`{"spoke":1,"every":"2h"}`, "Target", "Input")
					return r.id
				}
			}
			return "a schedule"
		},
	},
	{
		number: "T54", what: "the stack policy names what holds data",
		check: checkStackPolicy,
		plant: func(p *planter) string {
			p.template(hub)
			object(p.templates[hub].root["Resources"])["Planted"] = map[string]any{"Type": "AWS::Kinesis::Stream"}
			return "Planted"
		},
	},
}
