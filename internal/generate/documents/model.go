package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/schemas"
)

// typeDoc is the doc comments of one struct type.
type typeDoc struct {
	doc    string
	fields map[string]string // by the name of the field
}

// category is everything that is known of one category.
type category struct {
	schemas.CatalogCategory
	collect.Declaration
	Table *schema.Table
	How   string // doc comment of the collector
	// Services that the collector calls, and the IAM actions that it needs.
	Services []collect.Service
	Actions  []string
	Queries  []schemas.Query
}

// readModel reads the declarations of all categories and their doc comments. root is the
// root of the module.
func readModel(root string) ([]category, error) {
	described, err := describe(filepath.Join(root, "schemas"), schemas.All())
	if err != nil {
		return nil, err
	}
	declared := map[string]collect.Any{}
	for _, c := range collectors.All() {
		declared[c.Table().Name()] = c
	}
	var categories []category
	var faults []error
	for _, d := range described {
		collector, ok := declared[d.Name]
		if !ok {
			faults = append(faults, fmt.Errorf("category %s has no collector", d.Name))
			continue
		}
		declaration := collector.Declaration()
		how, err := collectorDoc(filepath.Join(root, "producers", "collectors", d.Name+".go"))
		faults = append(faults, err)
		queries, err := schemas.Queries(d.Name)
		faults = append(faults, err)
		categories = append(categories, category{
			CatalogCategory: d, Declaration: declaration, Table: collector.Table(), How: how, Queries: queries,
			Services: collectors.ServicesOf(declaration), Actions: collectors.Actions(declaration),
		})
	}
	return categories, errors.Join(faults...)
}

// collectorDoc returns the doc comment of the collector that a file declares.
func collectorDoc(file string) (string, error) {
	syntax, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return "", fmt.Errorf("a collector is declared in a file named after its category: %w", err)
	}
	for _, decl := range syntax.Decls {
		if v, ok := decl.(*ast.GenDecl); ok && v.Tok == token.VAR && v.Doc != nil {
			return strings.TrimSpace(v.Doc.Text()), nil
		}
	}
	return "", fmt.Errorf(
		"%s: the collector has no doc comment; say how the category is collected and what it costs", file)
}

// describe returns the catalog of tables. The error names every type and field
// without a doc comment.
func describe(dir string, tables []*schema.Table) ([]schemas.CatalogCategory, error) {
	docs, err := parseDocs(dir)
	if err != nil {
		return nil, err
	}
	var catalog []schemas.CatalogCategory
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	for _, table := range tables {
		typ := table.GoType()
		doc := docs[typ.Name()]
		if doc.doc == "" {
			fault("%s: the type has no doc comment; say what one row is, and from which AWS operation", typ.Name())
		}
		category := schemas.CatalogCategory{Name: table.Name(), Mode: table.Mode().String(), Doc: doc.doc}
		for _, c := range table.Columns() {
			field := typ.Field(c.Field).Name
			text := doc.fields[field]
			if text == "" {
				fault("%s.%s: column %s has no doc comment; say what it is, its unit, what null means, and which field of the "+
					"AWS API it is", typ.Name(), field, c.Name)
			} else if !strings.HasSuffix(text, ".") {
				fault("%s.%s: the doc comment of column %s does not end with a full stop", typ.Name(), field, c.Name)
			}
			category.Columns = append(category.Columns, schemas.CatalogColumn{
				Name:     c.Name,
				Kind:     c.Kind.String(),
				Nullable: c.Nullable,
				Key:      c.Key,
				Slice:    c.Slice,
				Shape:    string(c.Shape),
				Personal: string(c.Personal),
				Doc:      text,
			})
		}
		catalog = append(catalog, category)
	}
	return catalog, errors.Join(faults...)
}

// parseDocs reads the doc comments of the struct types in the Go files of dir.
func parseDocs(dir string) (map[string]typeDoc, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	docs := map[string]typeDoc{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		syntax, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		for _, decl := range syntax.Decls {
			general, ok := decl.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, spec := range general.Specs {
				declared, ok := spec.(*ast.TypeSpec)
				if !ok {
					continue
				}
				structure, ok := declared.Type.(*ast.StructType)
				if !ok {
					continue
				}
				comment := declared.Doc
				if comment == nil {
					comment = general.Doc
				}
				doc := typeDoc{doc: paragraphs(comment.Text()), fields: map[string]string{}}
				for _, field := range structure.Fields.List {
					for _, name := range field.Names {
						doc.fields[name.Name] = strings.Join(strings.Fields(field.Doc.Text()), " ")
					}
				}
				docs[declared.Name.Name] = doc
			}
		}
	}
	return docs, nil
}

// paragraphs joins the lines of each paragraph.
func paragraphs(text string) string {
	var joined []string
	for paragraph := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		joined = append(joined, strings.Join(strings.Fields(paragraph), " "))
	}
	return strings.Join(joined, "\n\n")
}
