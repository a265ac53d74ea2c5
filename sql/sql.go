// Package sql holds the views for people as SQL files, which are replaced as a
// package.
//
// They are for refresh.Install of lib/refresh: all files together, in the order of
// their names, make the views in schema public and the comments of tables and columns.
// Change them freely: whatever changed, the whole package is dropped and made again in
// one transaction, so a comment never needs a migration. No view here is named view_
// and a category or report: other systems name theirs so.
//
//   - summaries/<name>.sql makes a summary: what is grouped by account and region, and
//     costs what changed.
//   - views/*.sql makes what is across accounts, and what knows the time. They read
//     summaries.
//   - views/attention/<category>.sql is a query for what somebody has to look after in a
//     category. Its summary, and the union of all of them, are rendered.
//   - legacy/*.sql makes the relations of the predecessor, in schema legacy. Those of its views
//     that are a table and its account are rendered, and so are all comments.
//   - views/resources/<category>.sql is a query for the resources of a category. A summary
//     that counts them, and the views of all of them, are rendered.
//
// The tables of the categories have no files: load.Ensure makes them from their
// declarations in schemas. What it makes of each is in testdata/ddl.
//
// The view current_<category> of every category, and all comments, are rendered from the
// catalog of the categories when the package is read: they are its first file.
package sql

import (
	"embed"
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/hubspoke/observability/schemas"
)

//go:embed summaries/*.sql views/*.sql views/attention/*.sql views/resources/*.sql legacy/*
var embedded embed.FS

// Names of the files that are rendered.
const (
	categoriesFile     = "10_categories.sql"
	findingsOnceFile   = "21_findings_once.sql"
	resourcesFile      = "24_resources.sql"
	attentionFactsFile = "39_attention_facts.sql"
)

// Views returns the files of the view package, some of them rendered, for fs.Glob and
// fs.ReadFile. They come after the tables.
func Views() fs.FS {
	files := viewFiles{}
	files.embed("views/*.sql", "")
	files.embed("summaries/*.sql", "summaries/")
	files[categoriesFile] = renderCategories(schemas.Catalog())
	files[findingsOnceFile] = renderFindingsOnce(schemas.Catalog())
	attention := queriesOfCategories("views/attention/*.sql")
	for category, query := range attention {
		files["summaries/attention_"+category+".sql"] = renderAttentionSummary(category, query)
	}
	files[attentionFactsFile] = renderAttentionFacts(slices.Sorted(maps.Keys(attention)))
	resources := queriesOfCategories("views/resources/*.sql")
	for category, query := range resources {
		files["summaries/resources_"+category+".sql"] = renderResourcesSummary(category, query)
	}
	files[resourcesFile] = renderResources(slices.Sorted(maps.Keys(resources)), resources)
	files.embedLegacy()
	return files
}

// queriesOfCategories returns embedded files by the categories that they are called after.
func queriesOfCategories(pattern string) map[string][]byte {
	queries := map[string][]byte{}
	for name, query := range readEmbedded(pattern) {
		queries[strings.TrimSuffix(name, ".sql")] = query
	}
	return queries
}

// readEmbedded returns embedded files by their base names.
func readEmbedded(pattern string) map[string][]byte {
	names, err := fs.Glob(embedded, pattern)
	files := map[string][]byte{}
	for _, name := range names {
		if files[path.Base(name)], err = embedded.ReadFile(name); err != nil {
			panic(err) // it was listed
		}
	}
	if err != nil {
		panic(err) // patterns are constants
	}
	return files
}

// viewFiles are files by their names.
type viewFiles map[string][]byte

// embed adds embedded files under the names that they have in the package.
func (v viewFiles) embed(pattern, folder string) {
	for name, text := range readEmbedded(pattern) {
		v[folder+name] = text
	}
}

// Glob is what fs.Glob calls.
func (v viewFiles) Glob(pattern string) (names []string, err error) {
	for _, name := range slices.Sorted(maps.Keys(v)) {
		matches, err := path.Match(pattern, name)
		if err != nil {
			return nil, err
		}
		if matches {
			names = append(names, name)
		}
	}
	return names, nil
}

// ReadFile is what fs.ReadFile calls.
func (v viewFiles) ReadFile(name string) ([]byte, error) {
	text, ok := v[name]
	if !ok {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrNotExist}
	}
	return slices.Clone(text), nil
}

// Open is not needed to install views.
func (v viewFiles) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: errors.ErrUnsupported}
}
