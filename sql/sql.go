// Package sql holds the application's database as SQL files: the tables of the
// categories, which are migrated step by step, and the views for people, which
// are replaced as a package.
//
//   - migrations/ is for goose: one numbered file per category, written by hand,
//     in schema obs. A file that was released is never changed; a new column is a
//     new file. A test compares the tables with the declarations in schemas.
//
//   - views/ is for refresh.Install of lib/refresh: all files together, in the
//     order of their names, make the views in schema public and the comments of
//     tables and columns. Change them freely: whatever changed, the whole package
//     is dropped and made again in one transaction, so a comment never needs a
//     migration. No view's name begins with view_ and a category's or report's
//     name, which is how other systems call theirs.
//
// The file views/10_categories.sql is generated from the catalog of the
// categories by go run ./sql/internal/gen.
package sql

import (
	"embed"
	"io/fs"
)

// VersionTable is the table in which goose notes which migrations have run.
const VersionTable = "public.obs_schema_version"

//go:embed migrations/*.sql
var migrations embed.FS

//go:embed views/*.sql
var views embed.FS

// Migrations returns the numbered migrations of the category tables. They come
// after those of lib/load.
func Migrations() fs.FS { return sub(migrations, "migrations") }

// Views returns the files of the view package. They come after the migrations.
func Views() fs.FS { return sub(views, "views") }

func sub(files embed.FS, dir string) fs.FS {
	s, err := fs.Sub(files, dir)
	if err != nil {
		panic(err) // the directory is embedded
	}
	return s
}
