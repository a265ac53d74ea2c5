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
// The file views/10_categories.sql is generated from the catalog of the
// categories by go run ./sql/internal/gen.
package sql

import (
	"embed"
	"io/fs"
)

//go:embed views/*.sql
var views embed.FS

// Views returns the files of the view package. They come after the tables.
func Views() fs.FS {
	s, err := fs.Sub(views, "views")
	if err != nil {
		panic(err) // the directory is embedded
	}
	return s
}
