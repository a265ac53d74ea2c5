package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"

	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/schemas"
)

// typeDoc is the doc comments of one struct type.
type typeDoc struct {
	doc    string
	fields map[string]string // by the name of the field
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
	for _, table := range tables {
		typ := table.GoType()
		doc := docs[typ.Name()]
		if doc.doc == "" {
			faults = append(faults, fmt.Errorf("%s: the type has no doc comment; say what one row is, and from which AWS operation", typ.Name()))
		}
		category := schemas.CatalogCategory{Name: table.Name(), Mode: table.Mode().String(), Doc: doc.doc}
		for _, c := range table.Columns() {
			field := typ.Field(c.Field).Name
			text := doc.fields[field]
			if text == "" {
				faults = append(faults, fmt.Errorf("%s.%s: column %s has no doc comment; say what it is, its unit, what null means, and which field of the AWS API it is", typ.Name(), field, c.Name))
			} else if !strings.HasSuffix(text, ".") {
				faults = append(faults, fmt.Errorf("%s.%s: the doc comment of column %s does not end with a full stop", typ.Name(), field, c.Name))
			}
			category.Columns = append(category.Columns, schemas.CatalogColumn{
				Name:     c.Name,
				Kind:     c.Kind.String(),
				Nullable: c.Nullable,
				Key:      c.Key,
				Slice:    c.Slice,
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
