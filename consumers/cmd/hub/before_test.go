package main

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/jackc/pgx/v5"

	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/lib/pgtest"
)

// testdata/before has what a hub and a spoke made when tables of categories had
// migrations and row keys another form: a dump of a database, and the archive that its
// rows came from.

// restoreBefore returns a database with the dump.
func restoreBefore(t *testing.T) *pgtest.DB {
	t.Helper()
	dump, err := os.ReadFile("testdata/before/database.sql")
	if err != nil {
		t.Fatal(err)
	}
	db := pgtest.Empty(t)
	conn := must(pgx.Connect(t.Context(), db.URL))
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), string(dump)); err != nil {
		t.Fatal(err)
	}
	return db
}

// shapeSQL lists what the tables of categories have, whatever the order of columns.
const shapeSQL = `
	SELECT format('column %s.%s %s %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull)
	FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
	WHERE c.relnamespace = 'obs'::regnamespace AND c.relkind = 'r'
	UNION ALL SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = 'obs'
	UNION ALL SELECT format('setting %s %s', relname, unnest(reloptions)) FROM pg_class WHERE relnamespace = 'obs'::regnamespace
	ORDER BY 1`

func TestDatabaseOfBefore(t *testing.T) {
	db := restoreBefore(t)
	isolate(t, "HUB_DATABASE_URL="+db.URL)
	const rows = "SELECT certificate_arn || status || collected_at || coalesce(deleted_at::text, '') FROM " +
		"obs.certificates ORDER BY 1"
	before := query[string](t, db, rows)
	hub(t.Context(), "check").want(t, program.ExitUsage, "run: hub migrate")
	hub(t.Context(), "migrate", "--dry-run").want(t, program.ExitDone, "CREATE INDEX service_costs_account")
	hub(t.Context(), "migrate").want(t, program.ExitDone, "index obs.service_costs_account",
		"row keys of obs.certificates", "views")
	hub(t.Context(), "check").want(t, program.ExitDone)
	hub(t.Context(), "verify").want(t, program.ExitDone)
	hub(t.Context(), "verify", "--content").want(t, program.ExitDone)
	hub(t.Context(), "migrate").want(t, program.ExitDone, "nothing to do")
	if after := query[string](t, db, rows); len(before) != 22 || !slices.Equal(before, after) {
		t.Errorf("%d rows were\n%q\nand are\n%q", len(before), before, after)
	}
	fresh := pgtest.New(t, template)
	if got, want := query[string](t, db, shapeSQL), query[string](t, fresh, shapeSQL); !slices.Equal(got, want) {
		t.Errorf("tables are\n%q\nand new ones\n%q", got, want)
	}
}

func TestArchiveOfBefore(t *testing.T) {
	w := newWorld(t, 1)
	err := filepath.WalkDir("testdata/before/archive", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		key, err := filepath.Rel("testdata/before/archive", path)
		if err != nil {
			return err
		}
		body, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		_, err = w.objects.PutObject(t.Context(), &s3.PutObjectInput{
			Bucket: aws.String(bucket), Key: aws.String(filepath.ToSlash(key)), Body: bytes.NewReader(body),
		})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	hub(t.Context(), "replay", "--bucket", bucket).want(t, program.ExitDone, "3 files with 79 rows applied")
	hub(t.Context(), "verify").want(t, program.ExitDone)
	hub(t.Context(), "verify", "--content").want(t, program.ExitDone)

	// The hub of before applied the same archive.
	before := restoreBefore(t)
	hub(t.Context(), "migrate", "--database-url", before.URL).want(t, program.ExitDone)
	hub(t.Context(), "verify", "--against", before.URL).want(t, program.ExitDone, "All is right")
}
