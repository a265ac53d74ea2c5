package load

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations returns the SQL files of the loader's own tables.
func Migrations() fs.FS {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // the directory is embedded
	}
	return sub
}

// Migration is one that ran, with its file and duration.
type Migration = goose.MigrationResult

// Migrate brings the loader's own tables up to date. It may run in several places
// at once.
func Migrate(ctx context.Context, databaseURL string) ([]*Migration, error) {
	return RunMigrations(ctx, databaseURL, Migrations(), "public.hub_schema_version")
}

// RunMigrations runs the goose migrations of files that have not run, under a
// lock of the database, and notes them in the table given (with its schema). An
// error names the migration; those before it stay applied and are returned.
func RunMigrations(ctx context.Context, databaseURL string, files fs.FS, versions string) ([]*Migration, error) {
	cfg, err := PoolConfig(databaseURL)
	if err != nil {
		return nil, err
	}
	db := stdlib.OpenDB(*cfg.ConnConfig)
	defer db.Close()
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return nil, err
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files,
		goose.WithTableName(versions), goose.WithSessionLocker(locker))
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	results, err := provider.Up(ctx)
	var partial *goose.PartialError
	if errors.As(err, &partial) {
		return partial.Applied, fmt.Errorf("migration %s: %w", path.Base(partial.Failed.Source.Path), partial.Err)
	}
	if err != nil {
		return results, fmt.Errorf("migrate: %w", err)
	}
	return results, nil
}
