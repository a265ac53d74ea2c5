package main

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/types"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"
)

// sdkPath is the folder of the SDK's services.
const sdkPath = "github.com/aws/aws-sdk-go-v2/service/"

// operation is what the SDK's types say of an operation that lists things.
type operation struct {
	Package   string // sqs, in the SDK
	Name      string // ListQueues
	ServiceID string // SQS
	Signing   string // sqs, for which requests are signed
	Paginator bool   // whether the SDK has one
	List      string // member of the output: QueueUrls
	Token     string // member of the output that has the token of the next page; "" if there are no pages
	From      string // member of the input that takes it
	Size      string // member of the input that says how many a page has at most; ""
	SizeMost  int    // what it is set to
	Item      string // type of an item in package types; "" for text
	Doc       string // doc comment of the item
	Columns   []column
	LeftOut   []string // members with the reason
	Tags      bool     // whether package types is needed for tags

	dir string // of the package
}

// readOperation loads the packages of a service that the module in root requires.
func readOperation(root, service, name string) (*operation, error) {
	loaded, err := packages.Load(&packages.Config{Mode: packages.LoadSyntax, Dir: root}, sdkPath+service,
		sdkPath+service+"/types")
	if err != nil {
		return nil, err
	}
	byPath := map[string]*packages.Package{}
	for _, p := range loaded {
		for _, err := range p.Errors {
			return nil, fmt.Errorf("%s: %w", p.PkgPath, err)
		}
		byPath[p.PkgPath] = p
	}
	api, model := byPath[sdkPath+service], byPath[sdkPath+service+"/types"]
	if api == nil || model == nil || len(api.GoFiles) == 0 {
		return nil, fmt.Errorf("the SDK has no service %s", service)
	}
	o := &operation{Package: api.Name, Name: name, dir: filepath.Dir(api.GoFiles[0])}
	if o.ServiceID, o.Signing, err = identity(api, o.dir); err != nil {
		return nil, err
	}
	input, output := structOf(api, name+"Input"), structOf(api, name+"Output")
	if input == nil || output == nil {
		return nil, fmt.Errorf("%s has no operation %s", service, name)
	}
	if required := requiredMembers(api, name+"Input"); len(required) > 0 {
		return nil, fmt.Errorf("%s must be told %s: take an operation that lists, and write the other one by hand",
			name, strings.Join(required, ", "))
	}
	o.Paginator = api.Types.Scope().Lookup("New"+name+"Paginator") != nil
	if err := o.readPages(input, output); err != nil {
		return nil, err
	}
	list, _ := member(output, o.List)
	o.readItem(list.Type().(*types.Slice).Elem(), model)
	return o, nil
}

// identity returns the ID of a service and the name for which its requests are signed.
func identity(api *packages.Package, dir string) (id, signing string, err error) {
	if c, ok := api.Types.Scope().Lookup("ServiceID").(*types.Const); ok {
		id = constant.StringVal(c.Val())
	}
	source, err := os.ReadFile(filepath.Join(dir, "auth.go"))
	if err != nil {
		return "", "", err
	}
	if found := signingRE.FindSubmatch(source); found != nil {
		signing = string(found[1])
	}
	if id == "" || signing == "" {
		return "", "", fmt.Errorf("%s does not say what it is called", api.PkgPath)
	}
	return id, signing, nil
}

var signingRE = regexp.MustCompile(`SetSigV4SigningName\(&props, "([^"]+)"\)`)

// The SDK has no one name for the token of a page, nor for its size.
var (
	tokens = []string{"NextToken", "NextMarker", "Marker", "NextPageToken", "NextContinuationToken",
		"LastEvaluatedTableName", "LastEvaluatedBackupArn"}
	starts = []string{"NextToken", "Marker", "NextPageToken", "ContinuationToken", "ExclusiveStartTableName",
		"ExclusiveStartBackupArn"}
	sizes = []string{"MaxResults", "MaxItems", "MaxRecords", "Limit", "PageSize"}
)

// readPages finds out how the operation is paged, and the list of a page.
func (o *operation) readPages(input, output *types.Struct) error {
	var lists []string
	for field := range output.Fields() {
		if _, ok := field.Type().(*types.Slice); ok && field.Exported() && types.TypeString(field.Type(), nil) != "[]byte" {
			lists = append(lists, field.Name())
		}
	}
	if len(lists) == 0 {
		return fmt.Errorf("%s answers with no list: take the operation that lists the things", o.Name)
	}
	// ListClusters answers with Clusters, and perhaps with another list.
	noun := strings.ToLower(strings.TrimPrefix(strings.TrimPrefix(o.Name, "List"), "Describe"))
	o.List = lists[0]
	for _, name := range lists {
		if strings.Contains(strings.ToLower(name), noun) {
			o.List = name
			break
		}
	}
	o.Token, o.From = firstMember(output, tokens), firstMember(input, starts)
	if o.From == "" {
		o.Token = ""
	}
	if o.Size = firstMember(input, sizes); o.Size != "" {
		if field, _ := member(input, o.Size); types.TypeString(field.Type(), nil) != "*int32" {
			o.Size = ""
		}
		o.SizeMost = 100
	}
	return nil
}

func (o *operation) readItem(item types.Type, model *packages.Package) {
	named, ok := item.(*types.Named)
	if !ok {
		o.Doc = "one of " + o.List
		o.Columns = []column{{Name: columnName(singularOf(o.List), "own"), Kind: kindKey,
			Doc: "What " + o.Name + " lists (" + o.List + ").", Value: "aws.ToString(item)"}}
		return
	}
	o.Item = named.Obj().Name()
	docs, members := docsOf(model, o.Item)
	o.Doc = docs
	fields, ok := named.Underlying().(*types.Struct)
	if !ok { // an enumeration
		o.Columns = []column{{Name: columnName(singularOf(o.List), "own"), Kind: kindKey,
			Doc: "What " + o.Name + " lists (" + o.List + ").", Value: "string(*item)"}}
		return
	}
	for field := range fields.Fields() {
		if !field.Exported() || field.Name() == "ResultMetadata" {
			continue
		}
		c, reason := columnOf(field, o.Item, model)
		if reason != "" {
			o.LeftOut = append(o.LeftOut, field.Name()+" ("+reason+")")
			continue
		}
		c.Doc = columnDoc(members[field.Name()], field.Name())
		o.Columns = append(o.Columns, c)
		o.Tags = o.Tags || c.Kind == kindTags
	}
	o.chooseKey()
}

// chooseKey makes the column that names a thing its key: an ARN, an id or a name.
func (o *operation) chooseKey() {
	best, at := 0, -1
	for i, c := range o.Columns {
		if c.Kind != kindText {
			continue
		}
		rank := 1
		name, own := strings.ToLower(c.Field), strings.ToLower(singularOf(o.Item))
		for r, suffix := range []string{"name", "url", "id", "arn"} {
			if strings.HasSuffix(name, suffix) {
				rank = 2 + 2*r
			}
			if name == suffix || name == own+suffix {
				rank = 3 + 2*r
			}
		}
		if rank > best {
			best, at = rank, i
		}
	}
	if at >= 0 {
		c := o.Columns[at]
		c.Kind, c.Value = kindKey, "aws.ToString(item."+c.Field+")"
		c.Doc = strings.TrimSuffix(c.Doc, nullDoc)
		o.Columns = slices.Insert(slices.Delete(o.Columns, at, at+1), 0, c)
	}
}

func structOf(p *packages.Package, name string) *types.Struct {
	object := p.Types.Scope().Lookup(name)
	if object == nil {
		return nil
	}
	s, _ := object.Type().Underlying().(*types.Struct)
	return s
}

func member(s *types.Struct, name string) (*types.Var, bool) {
	for field := range s.Fields() {
		if field.Name() == name {
			return field, true
		}
	}
	return nil, false
}

func firstMember(s *types.Struct, names []string) string {
	for _, name := range names {
		if _, ok := member(s, name); ok {
			return name
		}
	}
	return ""
}

// requiredMembers returns the members of a type without which AWS refuses a request.
func requiredMembers(p *packages.Package, typ string) (names []string) {
	_, docs := docsOf(p, typ)
	for name, doc := range docs {
		if strings.Contains(doc, "This member is required.") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// docsOf returns the doc comments of a struct type and of its fields.
func docsOf(p *packages.Package, typ string) (doc string, fields map[string]string) {
	fields = map[string]string{}
	for _, file := range p.Syntax {
		for _, decl := range file.Decls {
			general, ok := decl.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, spec := range general.Specs {
				t, ok := spec.(*ast.TypeSpec)
				if !ok || t.Name.Name != typ {
					continue
				}
				doc = general.Doc.Text()
				structure, ok := t.Type.(*ast.StructType)
				if !ok {
					continue
				}
				for _, field := range structure.Fields.List {
					for _, name := range field.Names {
						fields[name.Name] = field.Doc.Text()
					}
				}
			}
		}
	}
	return doc, fields
}
