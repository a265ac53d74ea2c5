package deploy_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hubspoke/observability/consumers/verify"
	"github.com/hubspoke/observability/schemas"
)

// checkBuckets: see rule T8.
func checkBuckets(ts templates) (found []string) {
	for _, bucket := range ts.resources("AWS::S3::Bucket") {
		var denies []statement
		for _, s := range ts.statements() {
			if isOfBucket(s) && s.file == bucket.file && refersTo(s.prop("Bucket"), bucket.id) && !s.allows() && s.anybody() {
				denies = append(denies, s)
			}
		}
		keys := []string{"aws:SecureTransport"}
		if bucket.id == "Archive" {
			keys = append(keys, "s3:x-amz-server-side-encryption-aws-kms-key-id", "aws:PrincipalOrgID")
		}
		for _, key := range keys {
			if !slices.ContainsFunc(denies, func(s statement) bool { return s.has(key) }) {
				found = append(found, fmt.Sprintf("%s: no statement of its policy denies by %s", bucket, key))
			}
		}
	}
	return found
}

// isCollection says whether a statement is one of those that are generated from the collectors.
func isCollection(s statement) bool {
	sid, _ := s.m["Sid"].(string)
	return s.file == spoke && s.allows() && strings.HasPrefix(sid, "Collect")
}

// checkCollection compares spoke.yaml with the policy that the program prints.
func checkCollection(ts templates) (found []string) {
	if ts[spoke] == nil {
		return nil
	}
	wanted, err := policyOfSpoke()
	if err != nil {
		return []string{err.Error()}
	}
	allowed, denied := map[string]bool{}, map[string]bool{}
	for _, s := range ts.statements() {
		if s.file != spoke || !s.isIdentity() {
			continue
		}
		for _, action := range s.actions() {
			if isCollection(s) {
				allowed[action] = true
			} else if !s.allows() {
				denied[action] = true
			}
		}
	}
	compare := func(from, with map[string]bool, what string) {
		var missing []string
		for action := range from {
			if !with[action] {
				missing = append(missing, action)
			}
		}
		if slices.Sort(missing); len(missing) > 0 {
			found = append(found, fmt.Sprintf("spoke.yaml: %s: %s", what, strings.Join(missing, ", ")))
		}
	}
	compare(wanted.allowed, allowed, "a collector calls these, and no policy allows it")
	compare(allowed, wanted.allowed, "a policy allows these, and no collector calls them")
	compare(wanted.denied, denied, "'spoke policy' denies these, and no policy does")
	return found
}

// literals that a template must not have, with what it has instead.
var literals = map[*regexp.Regexp]string{
	regexp.MustCompile(`\b[0-9]{12}\b`):                                           "${AWS::AccountId}",
	regexp.MustCompile(`\b(us|eu|ap|sa|ca|me|af|il|mx|cn)-[a-z]+(-[a-z]+)?-\d\b`): "${AWS::Region}",
	regexp.MustCompile(`\barn:aws[a-z-]*:`):                                       "${AWS::Partition}",
}

// isProse reports whether a property is for people.
func isProse(path []string) bool {
	return len(path) > 0 && (strings.HasSuffix(path[len(path)-1], "Description") || path[len(path)-1] == "Comment")
}

// checkLiterals: see rule T20. What people read may have examples.
func checkLiterals(ts templates) (found []string) {
	for _, r := range ts.resources() {
		walk(r.body, nil, func(path []string, v any) {
			text, ok := v.(string)
			if !ok || isProse(path) {
				return
			}
			for literal, instead := range literals {
				if literal.MatchString(text) {
					found = append(found, fmt.Sprintf("%s: write %s in %q", r, instead, text))
				}
			}
		})
	}
	return found
}

// checkDatabase: see rule T24.
func checkDatabase(ts templates) (found []string) {
	for _, r := range ts.resources("AWS::RDS::DBCluster") {
		require := func(ok bool, what string) {
			if !ok {
				found = append(found, fmt.Sprintf("%s: %s", r, what))
			}
		}
		require(r.isTrue(r.prop("DeletionProtection")), "DeletionProtection: true")
		require(r.prop("EnableIAMDatabaseAuthentication") == true, "EnableIAMDatabaseAuthentication: true")
		require(r.prop("StorageEncrypted") == true && r.prop("KmsKeyId") != nil, "StorageEncrypted with KmsKeyId")
		require(r.least(r.prop("BackupRetentionPeriod")) >= 7, "BackupRetentionPeriod of a week at least")
		require(r.prop("CopyTagsToSnapshot") == true, "CopyTagsToSnapshot: true")
		require(contains(r.prop("EnableCloudwatchLogsExports"), "postgresql"), "EnableCloudwatchLogsExports: [postgresql]")
		group, _ := get(r.prop("DBClusterParameterGroupName"), "Ref").(string)
		force := get(r.root, "Resources", group, "Properties", "Parameters", "rds.force_ssl")
		require(fmt.Sprint(force) == "1", "a parameter group with rds.force_ssl: 1")
		instances := r.resources("AWS::RDS::DBInstance")
		require(len(instances) >= 2, "a writer and a reader")
		for _, instance := range instances {
			if instance.prop("PubliclyAccessible") != false {
				found = append(found, fmt.Sprintf("%s: PubliclyAccessible: false", instance))
			}
		}
	}
	return found
}

// checkCapacity: see rule T26.
func checkCapacity(ts templates) (found []string) {
	for _, r := range ts.resources("AWS::RDS::DBCluster") {
		var defaults []string
		for _, name := range []string{"MinCapacity", "MaxCapacity"} {
			reference := r.prop("ServerlessV2ScalingConfiguration", name)
			parameter := r.parameter(reference)
			if parameter == nil {
				found = append(found, fmt.Sprintf("%s: %s is no parameter", r, name))
				continue
			}
			pattern, _ := parameter["AllowedPattern"].(string)
			allowed, err := regexp.Compile(pattern)
			values := leaves(parameter["AllowedValues"])
			if err != nil || pattern == "" && len(values) == 0 || pattern != "" && allowed.MatchString("0.7") ||
				slices.Contains(values, "0.7") {
				found = append(found, fmt.Sprintf("%s: parameter %s takes 0.7: AllowedPattern or AllowedValues in steps of 0.5",
					r.file, get(reference, "Ref")))
			}
			defaults = append(defaults, fmt.Sprint(parameter["Default"]))
		}
		if len(defaults) == 2 && number(defaults[0]) > number(defaults[1]) {
			found = append(found, fmt.Sprintf("%s: the least capacity is greater than the greatest: %v", r, defaults))
		}
	}
	return found
}

// secretName is what a variable with a secret is called. ARNs of secrets are no secrets.
var secretName = regexp.MustCompile(`(PASSWORD|SECRET|TOKEN|PRIVATE_KEY|CREDENTIAL)($|_(?:VALUE|KEY)$)`)

// checkStackPolicy: see rule T54.
func checkStackPolicy(ts templates) (found []string) {
	policy, err := os.ReadFile("cloudformation/stack-policy.json")
	if err != nil {
		return []string{err.Error()}
	}
	for _, r := range ts[hub].resources(stateful...) {
		if !strings.Contains(string(policy), `"LogicalResourceId/`+r.id+`"`) {
			found = append(found, fmt.Sprintf("%s: stack-policy.json lets an update replace it", r))
		}
	}
	return found
}

// checkFunction: see rule T31.
func checkFunction(ts templates, r resource) string {
	variables := object(r.prop("Environment", "Variables"))
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		if secretName.MatchString(name) {
			return "has a secret in the variable " + name + ": give the ARN of the secret"
		}
		if regexp.MustCompile(`://[^/@]*:[^/@$]+@`).MatchString(text(variables[name])) {
			return "has a password in the variable " + name
		}
	}
	switch {
	case text(r.prop("Architectures")) != `["arm64"]`:
		return "is not built for arm64: Architectures: [arm64]"
	case r.prop("Runtime") != "provided.al2023":
		return "has another runtime than provided.al2023"
	case r.prop("Code", "S3ObjectVersion") == nil:
		return "runs whatever is in the bucket: Code.S3ObjectVersion"
	case r.prop("LoggingConfig", "LogGroup") == nil:
		return "has no log group of its own: LoggingConfig.LogGroup"
	case r.prop("FunctionUrlConfig") != nil || len(ts[r.file].resources("AWS::Lambda::Url")) > 0:
		return "has a URL"
	}
	return ""
}

// placeholder is what the default of a parameter must not look like.
var placeholder = regexp.MustCompile(`(?i)\be\.?g\.?\b|your[_-]|replace|example|change.?me|<.*>|_ID\b|123456789012`)

// checkParameters: see rule T41.
func checkParameters(ts templates) (found []string) {
	for _, file := range files {
		t := ts[file]
		if t == nil {
			continue
		}
		for _, name := range t.section("Parameters") {
			p := object(get(t.root, "Parameters", name))
			add := func(what string) { found = append(found, fmt.Sprintf("%s: parameter %s %s", file, name, what)) }
			if description, _ := p["Description"].(string); len(description) < 10 {
				add("has no description")
			}
			pattern, hasPattern := p["AllowedPattern"].(string)
			hasRange := p["MinValue"] != nil && p["MaxValue"] != nil
			ofAWS := strings.HasPrefix(fmt.Sprint(p["Type"]), "AWS::") || strings.HasPrefix(fmt.Sprint(p["Type"]), "List<AWS::")
			if !hasPattern && !hasRange && !ofAWS && p["AllowedValues"] == nil {
				add("takes anything: AllowedPattern, AllowedValues, or MinValue and MaxValue")
			}
			if hasPattern && (!strings.HasPrefix(pattern, "^") || !strings.HasSuffix(pattern, "$")) {
				add("has a pattern that may match a part: begin with ^ and end with $")
			}
			if text := text(p["Default"]); placeholder.MatchString(text) {
				add("has a placeholder as default: " + text)
			}
		}
	}
	return found
}

// checkUsed: see rule T42.
func checkUsed(ts templates) (found []string) {
	for _, file := range files {
		t := ts[file]
		if t == nil {
			continue
		}
		used := map[string]bool{}
		for _, section := range []string{"Conditions", "Rules", "Resources", "Outputs"} {
			walk(t.root[section], []string{section}, func(path []string, v any) {
				text, ok := v.(string)
				if !ok {
					return
				}
				// Ref, Condition and GetAtt name it, and so do Fn::If and Fn::FindInMap as their first element.
				used[text] = true
				for _, m := range regexp.MustCompile(`\$\{([A-Za-z0-9]+)`).FindAllStringSubmatch(text, -1) {
					used[m[1]] = true
				}
			})
		}
		for _, section := range []string{"Parameters", "Conditions", "Mappings"} {
			for _, name := range t.section(section) {
				if !used[name] {
					found = append(found, fmt.Sprintf("%s: %s: nothing uses %s: delete it", file, section, name))
				}
			}
		}
	}
	return found
}

// metrics of AWS that alarms watch.
var metrics = map[string][]string{
	"AWS/SQS": {
		"ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage", "NumberOfMessagesSent",
	},
	"AWS/Kinesis": {
		"IncomingRecords", "GetRecords.IteratorAgeMilliseconds", "WriteProvisionedThroughputExceeded",
		"ReadProvisionedThroughputExceeded",
	},
	"AWS/Lambda": {"Errors", "Throttles", "Duration", "IteratorAge", "Invocations"},
	"AWS/RDS": {
		"ACUUtilization", "DatabaseConnections", "AuroraReplicaLag", "AuroraReplicaLagMaximum", "FreeLocalStorage",
		"FreeableMemory", "CPUUtilization",
	},
	"AWS/AutoScaling":       {"GroupInServiceInstances"},
	"AWS/ECS":               {"CPUUtilization", "MemoryUtilization"},
	"ECS/ContainerInsights": {"RunningTaskCount", "DesiredTaskCount"},
	"AWS/Events":            {"FailedInvocations", "Invocations"},
	"AWS/Scheduler":         {"InvocationDroppedCount", "TargetErrorCount", "InvocationAttemptCount"},
}

var runbookEntry = regexp.MustCompile(`Runbook: (.+?)\.?$`)

// checkAlarms: see rule T44.
func checkAlarms(ts templates) (found []string) {
	entries, err := runbook()
	if err != nil {
		return []string{err.Error()}
	}
	for heading, entry := range entries {
		for _, part := range []string{"**Look first.**", "**Do.**", "**Normal when.**"} {
			if !strings.Contains(entry, part) {
				found = append(found, fmt.Sprintf("docs/runbook.md: %q does not say %s", heading, part))
			}
		}
	}
	filtered := map[string]bool{} // namespace and name of the metrics that filters make
	for _, r := range ts.resources("AWS::Logs::MetricFilter") {
		transformations, _ := r.prop("MetricTransformations").([]any)
		for _, made := range transformations {
			filtered[text(get(made, "MetricNamespace"))+text(get(made, "MetricName"))] = true
		}
		for _, m := range regexp.MustCompile(`\$\.([a-z_]+)`).FindAllStringSubmatch(text(r.prop()), -1) {
			known := append(verify.StateFields(), "msg", "level")
			if field := m[1]; !slices.Contains(known, field) && contains(r.prop("FilterPattern"), "state") {
				found = append(found, fmt.Sprintf("%s reads %s, which is not in the hub's state line", r, field))
			}
		}
	}
	inUse := map[string]bool{}
	for _, r := range ts.resources("AWS::CloudWatch::Alarm") {
		entry := runbookEntry.FindStringSubmatch(strings.Join(leaves(r.prop("AlarmDescription")), ""))
		switch {
		case entry == nil:
			found = append(found, fmt.Sprintf("%s: its description does not end in \"Runbook: <heading>\"", r))
		case entries[entry[1]] == "":
			found = append(found, fmt.Sprintf("%s: docs/runbook.md has no entry %q", r, entry[1]))
		default:
			inUse[entry[1]] = true
		}
		walk(r.prop(), nil, func(_ []string, v any) {
			m := object(v)
			name, namespace := m["MetricName"], m["Namespace"]
			if name == nil || namespace == nil {
				return
			}
			if !isOfAWS(leaves(namespace), leaves(name)) && !filtered[text(namespace)+text(name)] {
				found = append(found, fmt.Sprintf("%s watches %s of %s: no filter makes it, and it is none of AWS's in metrics",
					r, text(name), text(namespace)))
			}
		})
	}
	for heading := range entries {
		if !inUse[heading] {
			found = append(found, fmt.Sprintf("docs/runbook.md: no alarm leads to %q", heading))
		}
	}
	return found
}

// isOfAWS says whether AWS has a metric. An alarm that watches one of two has their names side by side.
func isOfAWS(namespaces, names []string) bool {
	if len(namespaces) != len(names) {
		return false
	}
	for i, namespace := range namespaces {
		isCondition := namespace == names[i]
		if !isCondition && !slices.Contains(metrics[namespace], names[i]) {
			return false
		}
	}
	return true
}

// runbook returns the entries of docs/runbook.md by their headings.
func runbook() (map[string]string, error) {
	source, err := os.ReadFile("../docs/runbook.md")
	if err != nil {
		return nil, err
	}
	entries := map[string]string{}
	for _, section := range regexp.MustCompile(`(?m)^## `).Split(string(source), -1) {
		for _, entry := range strings.Split(section, "\n### ")[1:] {
			heading, text, _ := strings.Cut(entry, "\n")
			entries[heading] = text
		}
	}
	return entries, nil
}

// outputs that users of the predecessor know, and those that other templates ask for.
var outputs = []string{
	"Region", "AccountId", "S3BucketName", "KMSKeyArn", "AuroraSecretArn", "AuroraClusterArn", "AuroraEndpoint", "VPCId",
	"QuickSightSecurityGroup", "DLQArn", "ReceiverLambdaFunctionArn", "StreamArn", "StreamKeyArn",
	"AuroraReaderEndpoint", "SubnetIds", "QuickSightSecretArn", "AlarmsTopicArn", "SpokeParameters",
}

// checkHandOver: see rule T45.
func checkHandOver(ts templates) (found []string) {
	if ts[hub] == nil {
		return nil
	}
	have := ts[hub].section("Outputs")
	for _, name := range outputs {
		if !slices.Contains(have, name) {
			found = append(found, "hub.yaml: there is no output "+name)
		}
	}
	for _, file := range files {
		t := ts[file]
		if t == nil {
			continue
		}
		for _, name := range t.section("Parameters") {
			description, _ := get(t.root, "Parameters", name, "Description").(string)
			for _, m := range regexp.MustCompile(`\b[Oo]utput (\w+) of the hub`).FindAllStringSubmatch(description, -1) {
				if !slices.Contains(have, m[1]) {
					found = append(found,
						fmt.Sprintf("%s: parameter %s asks for the output %s, which hub.yaml has not", file, name, m[1]))
				}
			}
		}
	}
	if ts[spoke] == nil {
		return found
	}
	line := strings.Join(leaves(get(ts[hub].root, "Outputs", "SpokeParameters", "Value")), " ")
	for _, m := range regexp.MustCompile(`(?:ParameterKey=)?\b([A-Z]\w+)=`).FindAllStringSubmatch(line, -1) {
		if name := m[1]; !slices.Contains(ts[spoke].section("Parameters"), name) && !strings.HasPrefix(name, "Parameter") {
			found = append(found, fmt.Sprintf("hub.yaml: output SpokeParameters names %s, which spoke.yaml has not", name))
		}
	}
	return found
}

// checkMachines: see rule T47.
func checkMachines(ts templates) (found []string) {
	for _, r := range ts.resources("AWS::EC2::LaunchTemplate") {
		data := r.prop("LaunchTemplateData")
		require := func(ok bool, what string) {
			if !ok {
				found = append(found, fmt.Sprintf("%s: %s", r, what))
			}
		}
		require(get(data, "MetadataOptions", "HttpTokens") == "required", "MetadataOptions.HttpTokens: required")
		hops := get(data, "MetadataOptions", "HttpPutResponseHopLimit")
		require(text(hops) == "1", "MetadataOptions.HttpPutResponseHopLimit: 1")
		require(get(data, "KeyName") == nil, "no KeyName")
		disks, _ := get(data, "BlockDeviceMappings").([]any)
		require(len(disks) > 0, "BlockDeviceMappings with Encrypted: true")
		for _, disk := range disks {
			require(get(disk, "Ebs", "Encrypted") == true, "BlockDeviceMappings with Encrypted: true")
		}
	}
	for _, r := range ts.resources("AWS::ECS::TaskDefinition") {
		containers, _ := r.prop("ContainerDefinitions").([]any)
		for _, c := range containers {
			user := fmt.Sprint(get(c, "User"))
			if get(c, "User") == nil || user == "0" || strings.HasPrefix(user, "root") || strings.HasPrefix(user, "0:") {
				found = append(found, fmt.Sprintf("%s: a container runs as root: User", r))
			}
			if get(c, "ReadonlyRootFilesystem") != true {
				found = append(found, fmt.Sprintf("%s: a container can write: ReadonlyRootFilesystem: true", r))
			}
			if !contains(get(c, "Image"), "@") {
				found = append(found, fmt.Sprintf("%s: an image is not named by its digest", r))
			}
		}
	}
	return found
}

// checkColumns: see rule T35.
func checkColumns(ts templates) (found []string) {
	if ts[dashboards] == nil {
		return nil
	}
	views, err := columnsOfViews()
	if err != nil {
		return []string{err.Error()}
	}
	sets := map[string]map[string]bool{} // columns by the data set's resource
	for _, r := range ts[dashboards].resources("AWS::QuickSight::DataSet") {
		sets[r.id] = map[string]bool{}
		for _, table := range object(r.prop("PhysicalTableMap")) {
			columns, _ := get(table, "CustomSql", "Columns").([]any)
			for _, column := range columns {
				sets[r.id][fmt.Sprint(get(column, "Name"))] = true
			}
			for _, missing := range missingOf(views, strings.Join(leaves(get(table, "CustomSql", "SqlQuery")), " ")) {
				found = append(found, fmt.Sprintf("%s reads %s, which there is not", r, missing))
			}
		}
	}
	for _, r := range ts[dashboards].resources("AWS::QuickSight::Analysis", "AWS::QuickSight::Dashboard") {
		byName := map[string]map[string]bool{}
		declarations, _ := r.prop("Definition", "DataSetIdentifierDeclarations").([]any)
		for _, d := range declarations {
			byName[fmt.Sprint(get(d, "Identifier"))] = sets[fmt.Sprint(get(d, "DataSetArn", "Fn::GetAtt", "0"))]
		}
		calculated, _ := r.prop("Definition", "CalculatedFields").([]any)
		for _, field := range calculated {
			if set := byName[fmt.Sprint(get(field, "DataSetIdentifier"))]; set != nil {
				set[fmt.Sprint(get(field, "Name"))] = true
			}
		}
		walk(r.prop("Definition"), nil, func(_ []string, v any) {
			m := object(v)
			column, set := m["ColumnName"], m["DataSetIdentifier"]
			if column != nil && set != nil && !byName[fmt.Sprint(set)][fmt.Sprint(column)] {
				found = append(found, fmt.Sprintf("%s shows the column %s, which its data set %s has not", r, column, set))
			}
		})
	}
	return found
}

var (
	fromRE   = regexp.MustCompile(`\bpublic\.([a-z0-9_]+) ([a-z]+)\b`)
	columnRE = regexp.MustCompile(`\b([a-z]+)\.([a-z0-9_]+)\b`)
)

// missingOf returns the views, and the columns of views, that a query names and that are not there.
func missingOf(views map[string]map[string]bool, query string) (missing []string) {
	aliases := map[string]string{}
	for _, m := range fromRE.FindAllStringSubmatch(query, -1) {
		aliases[m[2]] = m[1]
		if views[m[1]] == nil {
			missing = append(missing, "the view "+m[1])
		}
	}
	for _, m := range columnRE.FindAllStringSubmatch(query, -1) {
		if view, ok := aliases[m[1]]; ok && views[view] != nil && !views[view][m[2]] {
			missing = append(missing, fmt.Sprintf("the column %s of the view %s", m[2], view))
		}
	}
	return missing
}

// columnsOfViews returns the columns of each view by its name, as the reference lists them and the schemas make them.
func columnsOfViews() (map[string]map[string]bool, error) {
	source, err := os.ReadFile("../docs/reference/views.md")
	if err != nil {
		return nil, err
	}
	views := map[string]map[string]bool{}
	for section := range strings.SplitSeq(string(source), "\n## ") {
		name, body, _ := strings.Cut(section, "\n")
		views[name] = map[string]bool{}
		for _, m := range regexp.MustCompile("(?m)^\\| `([a-z0-9_]+)`").FindAllStringSubmatch(body, -1) {
			views[name][m[1]] = true
		}
	}
	for _, table := range schemas.All() {
		columns := map[string]bool{"account_id": true, "region": true, "collected_at": true, "first_seen_at": true}
		for _, column := range table.Columns() {
			columns[column.Name] = true
		}
		views["current_"+table.Name()] = columns
	}
	return views, nil
}

// programs builds both programs once and returns the folder that they are in.
var programs = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "programs")
	if err != nil {
		return "", err
	}
	build := exec.Command("go", "build", "-o", dir, "../producers/cmd/spoke", "../consumers/cmd/hub")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return dir, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, err := programs(); err == nil {
		_ = os.RemoveAll(dir)
	}
	os.Exit(code)
}

// run returns what a program prints.
func run(program string, args ...string) ([]byte, error) {
	dir, err := programs()
	if err != nil {
		return nil, err
	}
	command := exec.Command(filepath.Join(dir, program), args...)
	command.Env = []string{"HOME=" + dir}
	out, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", program, strings.Join(args, " "), err)
	}
	return out, nil
}

// rights are those of a policy.
type rights struct{ allowed, denied map[string]bool }

// policyOfSpoke asks the program what its collectors call.
var policyOfSpoke = sync.OnceValues(func() (rights, error) {
	out, err := run("spoke", "policy")
	if err != nil {
		return rights{}, err
	}
	found := rights{map[string]bool{}, map[string]bool{}}
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var policy struct {
			Statement []struct {
				Effect string
				Action []string
			}
		}
		if err := decoder.Decode(&policy); errors.Is(err, io.EOF) {
			return found, nil
		} else if err != nil {
			return rights{}, err
		}
		for _, s := range policy.Statement {
			for _, action := range s.Action {
				map[bool]map[string]bool{true: found.allowed, false: found.denied}[s.Effect == "Allow"][action] = true
			}
		}
	}
})

// settings returns the environment variables that a command takes, or an error if there is no such command.
func settings(program, command string) (map[string]bool, error) {
	help, err := run(program, command, "-h")
	if err != nil {
		return nil, err
	}
	known := map[string]bool{}
	for _, m := range regexp.MustCompile(`\$([A-Z][A-Z0-9_]+)`).FindAllStringSubmatch(string(help), -1) {
		known[m[1]] = true
	}
	return known, nil
}

// ofOthers are variables that libraries read.
var ofOthers = regexp.MustCompile(`^(AWS_|PG|GO)`)

// checkPrograms: see rule T52.
func checkPrograms(ts templates) (found []string) {
	for _, file := range []string{hub, spoke} {
		t := ts[file]
		if t == nil {
			continue
		}
		program := strings.TrimSuffix(file, ".yaml")
		check := func(r resource, command string, names []string) {
			known, err := settings(program, command)
			if err != nil {
				found = append(found, fmt.Sprintf("%s: there is no command %q: %v", r, program+" "+command, err))
				return
			}
			for _, name := range names {
				if !known[name] && !ofOthers.MatchString(name) {
					found = append(found, fmt.Sprintf("%s: %s %s does not know %s", r, program, command, name))
				}
			}
		}
		for _, r := range t.resources("AWS::Lambda::Function") {
			check(r, fmt.Sprint(r.prop("Handler")), slices.Sorted(maps.Keys(object(r.prop("Environment", "Variables")))))
		}
		for _, r := range t.resources("AWS::ECS::TaskDefinition") {
			containers, _ := r.prop("ContainerDefinitions").([]any)
			for _, c := range containers {
				var names []string
				environment, _ := get(c, "Environment").([]any)
				for _, variable := range environment {
					names = append(names, fmt.Sprint(get(variable, "Name")))
				}
				check(r, fmt.Sprint(get(c, "Command", "0")), names)
			}
		}
		for _, r := range t.resources("AWS::EC2::LaunchTemplate") {
			checkUserData(r, program, check)
		}
	}
	return found
}

// checkUserData checks what the systemd units in the user data of a machine start, and the settings beside them.
func checkUserData(r resource, program string, check func(r resource, command string, names []string)) {
	script := strings.Join(leaves(r.prop("LaunchTemplateData", "UserData")), "\n")
	names := regexp.MustCompile(strings.ToUpper(program)+`_[A-Z0-9_]+`).FindAllString(script, -1)
	for _, m := range regexp.MustCompile(`ExecStart=\S*/`+program+` ([a-z]+)`).FindAllStringSubmatch(script, -1) {
		check(r, m[1], names)
	}
}

// checkSchedules: see rule T53.
func checkSchedules(ts templates) (found []string) {
	if ts[spoke] == nil {
		return nil
	}
	out, err := run("spoke", "categories", "-o", "json")
	if err != nil {
		return []string{err.Error()}
	}
	var categories []struct{ Name, Every string }
	if err := json.Unmarshal(out, &categories); err != nil {
		return []string{err.Error()}
	}
	missing := map[string]string{} // interval to a category with it
	for _, c := range categories {
		missing[c.Every] = c.Name
	}
	known := maps.Clone(missing)
	for _, r := range ts[spoke].resources("AWS::Scheduler::Schedule") {
		input := strings.Join(leaves(r.prop("Target", "Input")), "")
		var event map[string]any
		if err := json.Unmarshal([]byte(input), &event); err != nil || fmt.Sprint(event["spoke"]) != "1" {
			found = append(found, fmt.Sprintf("%s: the input is no event of the spoke: %s", r, input))
			continue
		}
		every, ok := event["every"].(string)
		if ok && known[every] == "" {
			found = append(found, fmt.Sprintf("%s: no category is collected every %s", r, every))
		}
		delete(missing, every)
	}
	for every, category := range missing {
		found = append(found, fmt.Sprintf("spoke.yaml: no schedule collects %s, every %s", category, every))
	}
	return found
}
