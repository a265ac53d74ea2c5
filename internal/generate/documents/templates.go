package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
	"time"
	"unicode/utf8"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/producers/policy"
	"github.com/hubspoke/observability/producers/rules"
)

// templatesDir has the templates of CloudFormation. People write them, except the parts that follow from
// the declarations of the categories.
const templatesDir = "deploy/cloudformation/"

// part renders one part of a template.
type part struct {
	file string
	// name stands in the lines that enclose the part.
	name   string
	render func([]category) ([]byte, error)
}

var parts = []part{
	{"spoke.yaml", "policies", spokePolicies},
	{"spoke.yaml", "costs", paidCategories},
	{"spoke.yaml", "schedules", spokeSchedules},
	{"spoke.yaml", "rules", homeRules},
	{"spoke-region.yaml", "rules", regionRules},
	{"athena.yaml", "tables", athenaTables},
}

// templates renders the templates, each as it stands under root with its parts anew.
func templates(root string, categories []category) (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, p := range parts {
		name := templatesDir + p.file
		if files[name] == nil {
			content, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
			if err != nil {
				return nil, err
			}
			files[name] = content
		}
		text, err := p.render(categories)
		if err == nil {
			files[name], err = replacePart(files[name], p.name, text)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return files, nil
}

// replacePart replaces the lines between those that enclose a part, and indents the new ones like these.
func replacePart(content []byte, name string, text []byte) ([]byte, error) {
	begin, end := "# generated: "+name+", by go run ./internal/generate\n", "# end: "+name+"\n"
	before, rest, found := bytes.Cut(content, []byte(begin))
	_, after, ended := bytes.Cut(rest, []byte(end))
	if !found || !ended {
		return nil, fmt.Errorf("the lines %q and %q must enclose the part", strings.TrimSpace(begin), strings.TrimSpace(end))
	}
	indent := before[bytes.LastIndexByte(before, '\n')+1:]
	var b bytes.Buffer
	b.Write(before)
	b.WriteString(begin)
	for line := range bytes.Lines(text) {
		if len(bytes.TrimSpace(line)) > 0 {
			b.Write(indent)
		}
		b.Write(line)
	}
	b.Write(indent)
	b.WriteString(end)
	b.Write(after)
	return b.Bytes(), nil
}

// inTemplate parses the text of a part.
func inTemplate(name, text string) *template.Template {
	return template.Must(template.New(name).Funcs(template.FuncMap{
		"json": flow, "comment": comment, "first": firstSentence, "id": logicalID,
		"partitions": func() []string { return partitions },
	}).Parse(text))
}

// flow writes a value as JSON, which YAML reads, too.
func flow(v any) (string, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(v)
	return strings.TrimSpace(b.String()), err
}

// managedPolicy is a policy that is attached to the role of a spoke.
type managedPolicy struct {
	ID, What, Condition string
	policy.Document
}

// policiesOf returns the policies for what all collectors call, and apart from it for what only those call that AWS
// charges for, so that an account can do without.
func policiesOf(categories []category) ([]managedPolicy, error) {
	var free, paid []string
	for _, c := range categories {
		if c.PaidRequests > 0 {
			paid = append(paid, c.Actions...)
		} else {
			free = append(free, c.Actions...)
		}
	}
	paid = slices.DeleteFunc(paid, func(action string) bool { return slices.Contains(free, action) })
	collecting, err := policy.Documents(policy.Config{Actions: free, Others: policy.NeverValues()})
	if err != nil {
		return nil, err
	}
	charged, err := policy.Documents(policy.Config{Actions: paid})
	if err != nil {
		return nil, err
	}
	var all []managedPolicy
	for i, d := range collecting {
		all = append(all, managedPolicy{ID: fmt.Sprintf("CollectPolicy%d", i+1), What: "What the collectors call",
			Document: d})
	}
	for i, d := range charged {
		all = append(all, managedPolicy{ID: fmt.Sprintf("CollectCostsPolicy%d", i+1), Condition: "CollectsCosts",
			What: "What the collectors call and AWS charges for", Document: d})
	}
	return all, nil
}

func spokePolicies(categories []category) ([]byte, error) {
	all, err := policiesOf(categories)
	if err != nil {
		return nil, err
	}
	return render(policiesTemplate, all)
}

var policiesTemplate = inTemplate("policies", `
{{- range .}}{{.ID}}:
  Type: AWS::IAM::ManagedPolicy
{{- with .Condition}}
  Condition: {{.}}
{{- end}}
  Properties:
    Description: {{.What}}
    Path: !Ref RolePath
    Roles: [!Ref Role]
    PolicyDocument:
      Version: {{json .Version}}
      Statement:
{{- range .Statement}}
        - Sid: {{.Sid}}
          Effect: {{.Effect}}
          Action:
{{- range .Action}}
            - {{.}}
{{- end}}
          Resource: {{json .Resource}}
{{- with .Condition}}
          Condition: {{json .}}
{{- end}}
{{- end}}
{{end}}`)

// paidCategories renders the setting that leaves out what AWS charges for.
func paidCategories(categories []category) ([]byte, error) {
	var names []string
	for _, c := range categories {
		if c.PaidRequests > 0 {
			names = append(names, c.Name)
		}
	}
	return fmt.Appendf(nil, "SPOKE_EXCLUDE: !If\n  - LeavesCostsOut\n  - %s\n  - !Ref \"AWS::NoValue\"\n",
		strings.Join(names, ",")), nil
}

// maxWindow is the longest flexible window of a schedule. Shorter intervals have a quarter of theirs.
const maxWindow = 15 * time.Minute

// schedule invokes the function of a spoke.
type schedule struct {
	ID, Rate, Input string
	// Window within which it may begin, in minutes.
	Window int
}

// spokeSchedules renders the group of the schedules, one of these for each interval of the categories, and one
// that reads as a whole what is read incrementally otherwise.
func spokeSchedules(categories []category) ([]byte, error) {
	const scheduled = `"scheduled":"<aws.scheduler.scheduled-time>"`
	intervals := map[time.Duration]bool{}
	full := map[time.Duration]bool{}
	for _, c := range categories {
		intervals[c.Every] = true
		if c.Incremental != nil {
			full[c.Incremental.FullEvery] = true
		}
	}
	if len(full) > 1 {
		return nil, errors.New("categories that are read incrementally differ in how often they are read as a whole, and " +
			"the input of a schedule cannot tell them apart")
	}
	var list []schedule
	for _, d := range slices.Sorted(maps.Keys(intervals)) {
		list = append(list, schedule{ID: "Every" + every(d), Rate: rate(d), Window: window(d),
			Input: fmt.Sprintf(`{"spoke":1,"every":%q,%s}`, every(d), scheduled)})
	}
	for _, d := range slices.Sorted(maps.Keys(full)) {
		list = append(list, schedule{ID: "Full" + every(d), Rate: rate(d), Window: window(d),
			Input: `{"spoke":1,"full":true,` + scheduled + `}`})
	}
	policies, err := policiesOf(categories)
	if err != nil {
		return nil, err
	}
	return render(schedulesTemplate, map[string]any{"Schedules": list, "Policies": policies})
}

func window(interval time.Duration) int { return int(min(interval/4, maxWindow).Minutes()) }

// rate returns an interval as EventBridge Scheduler has it.
func rate(d time.Duration) string {
	for _, unit := range []struct {
		name string
		time.Duration
	}{{"day", 24 * time.Hour}, {"hour", time.Hour}, {"minute", time.Minute}} {
		if n := d / unit.Duration; n == 1 && d == unit.Duration {
			return "rate(1 " + unit.name + ")"
		} else if n > 0 && d%unit.Duration == 0 {
			return fmt.Sprintf("rate(%d %ss)", n, unit.name)
		}
	}
	panic("no schedule has the interval " + d.String()) // collectors have whole minutes
}

// A schedule begins at once when it is made. So their group waits until the spoke may do what it does, and
// each of them until it may invoke.
var schedulesTemplate = inTemplate("schedules", `Schedules:
  Type: AWS::Scheduler::ScheduleGroup
  Condition: RunsLambda
  DependsOn: [SendPolicy, RegionsPolicy, FunctionPolicy{{range .Policies}}{{if not .Condition}}, {{.ID}}{{end}}{{end}}]
{{range .Schedules}}{{.ID}}:
  Type: AWS::Scheduler::Schedule
  Condition: RunsLambda
  DependsOn: SchedulePolicy
  Properties:
    GroupName: !Ref Schedules
    ScheduleExpression: {{.Rate}}
    FlexibleTimeWindow: {Mode: FLEXIBLE, MaximumWindowInMinutes: {{.Window}}}
    Target:
      Arn: !GetAtt Function.Arn
      RoleArn: !GetAtt ScheduleRole.Arn
      Input: '{{.Input}}'
      RetryPolicy: {MaximumRetryAttempts: 2, MaximumEventAgeInSeconds: 3600}
{{end}}`)

// homeRules renders the rules that lead events into the queue of the home region.
func homeRules(categories []category) ([]byte, error) {
	return eventRules(categories, "RunsLambda", "{Id: spoke, Arn: !GetAtt Events.Arn}")
}

// regionRules renders the rules of other regions, which lead events to the home region.
func regionRules(categories []category) ([]byte, error) {
	return eventRules(categories, "", `{Id: home, Arn: !Sub "arn:${AWS::Partition}:events:${HomeRegion}:${AWS::AccountId}:event-bus/default", RoleArn: !GetAtt Role.Arn}`)
}

// eventRules renders a rule for each source of events, so that an event comes once however many categories it is
// for. The services without regions have rules everywhere, too, and emit their events in one region.
func eventRules(categories []category, condition, target string) ([]byte, error) {
	var declared []collect.Declaration
	for _, c := range categories {
		declared = append(declared, c.Declaration)
	}
	list, err := rules.BySource(declared)
	if err != nil {
		return nil, err
	}
	return render(rulesTemplate, map[string]any{"Rules": list, "Condition": condition, "Target": target})
}

var rulesTemplate = inTemplate("rules", `
{{- range .Rules}}{{.LogicalID}}:
  Type: AWS::Events::Rule
{{- with $.Condition}}
  Condition: {{.}}
{{- end}}
  Properties:
    Name: {{.Name}}
    Targets: [{{$.Target}}]
    EventPattern: {{json .Pattern}}
{{end}}`)

// partitions are the levels of the archive's keys that a table has as columns. The category is the table.
var partitions = []string{"account", "region", "date"}

// athenaTables renders a table over the archive for each category.
func athenaTables(categories []category) ([]byte, error) {
	var faults []error
	for _, c := range categories {
		for _, column := range c.Table.Columns() {
			if slices.Contains(partitions, column.Name) {
				faults = append(faults, fmt.Errorf("category %s: Athena cannot have the column %s, which is a level of the "+
					"archive's keys: choose another name", c.Name, column.Name))
			}
		}
	}
	text, err := render(tablesTemplate, categories)
	return text, errors.Join(append(faults, err)...)
}

// maxComment is how long the comment of a column may be in Glue's catalog.
const maxComment = 255

// comment returns what a column is, as far as it fits.
func comment(doc string) string {
	if utf8.RuneCountInString(doc) <= maxComment {
		return doc
	}
	return firstSentence(doc)
}

// logicalID writes kms_keys as KmsKeys.
func logicalID(name string) string {
	var b strings.Builder
	for word := range strings.SplitSeq(name, "_") {
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String()
}

// The day is a text, so that it is compared like one. Athena does not list partitions: it makes them up from the
// properties that begin with projection.
var tablesTemplate = inTemplate("tables", `
{{- range .}}Table{{id .Name}}:
  Type: AWS::Glue::Table
  Properties:
    CatalogId: !Ref "AWS::AccountId"
    DatabaseName: !Ref Database
    TableInput:
      Name: {{.Name}}
      Description: {{json (first .Doc)}}
      TableType: EXTERNAL_TABLE
      PartitionKeys:
{{- range partitions}}
        - {Name: {{.}}, Type: string}
{{- end}}
      Parameters:
        EXTERNAL: "TRUE"
        projection.enabled: "true"
        projection.account.type: !If [ListsAccounts, enum, injected]
        projection.account.values: !If [ListsAccounts, !Ref Accounts, !Ref "AWS::NoValue"]
        projection.region.type: enum
        projection.region.values: !Sub global,${Regions}
        projection.date.type: date
        projection.date.format: yyyy-MM-dd
        projection.date.range: !Sub ${FirstDay},NOW
        storage.location.template: !Sub s3://${S3Bucket}/data/account=${!account}/region=${!region}/category={{.Name}}/date=${!date}/
      StorageDescriptor:
        Location: !Sub s3://${S3Bucket}/data/
        InputFormat: org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat
        OutputFormat: org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat
        SerdeInfo: {SerializationLibrary: org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe}
        Columns:
{{- $docs := .Columns}}
{{- range $i, $c := .Table.Columns}}
          - {Name: {{.Name}}, Type: "{{.Kind.HiveType}}", Comment: {{json (comment (index $docs $i).Doc)}}}
{{- end}}
{{end}}`)
