// Package sql holds the views for people as SQL files, which are replaced as a
// package.
//
// views/ is for refresh.Install of lib/refresh: all files together, in the order of
// their names, make the views in schema public and the comments of tables and columns.
// Change them freely: whatever changed, the whole package is dropped and made again in
// one transaction, so a comment never needs a migration. No view's name begins with
// view_ and a category's or report's name, which is how other systems call theirs.
//
// The tables of the categories have no files: load.Ensure makes them from their
// declarations in schemas. What it makes of each is in testdata/ddl.
//
// The view current_<category> of every category, and all comments, are rendered from the
// catalog of the categories when the package is read: they are its first file.
package sql

import (
	"embed"
	"io/fs"
	"path"

	"github.com/hubspoke/observability/schemas"
)

//go:embed views/*.sql
var views embed.FS

// categoriesFile is the name under which what is rendered stands before the other files.
const categoriesFile = "10_categories.sql"

// Views returns the files of the view package, one of them rendered, for fs.Glob and
// fs.ReadFile. They come after the tables.
func Views() fs.FS {
	s, err := fs.Sub(views, "views")
	if err != nil {
		panic(err) // the directory is embedded
	}
	return viewFiles{s}
}

// viewFiles adds the rendered file to those that are embedded.
type viewFiles struct{ fs.FS }

// Glob is what fs.Glob calls.
func (v viewFiles) Glob(pattern string) ([]string, error) {
	names, err := fs.Glob(v.FS, pattern)
	if err != nil {
		return nil, err
	}
	if ok, err := path.Match(pattern, categoriesFile); err != nil || !ok {
		return names, err
	}
	return append([]string{categoriesFile}, names...), nil
}

// ReadFile is what fs.ReadFile calls.
func (v viewFiles) ReadFile(name string) ([]byte, error) {
	if name == categoriesFile {
		return renderCategories(schemas.Catalog()), nil
	}
	return fs.ReadFile(v.FS, name)
}
