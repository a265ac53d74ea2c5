package refresh

import (
	"context"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Installed reports whether the package of views that files make is installed and
// all its views exist; whether somebody changed one by hand is not looked at. A
// database without the bookkeeping tables has no package.
func Installed(ctx context.Context, pool *pgxpool.Pool, files fs.FS) (bool, error) {
	p, err := readPackage(files)
	if err != nil {
		return false, fmt.Errorf("refresh: read package of views: %w", err)
	}
	exists, err := collect[bool](ctx, pool, `SELECT to_regclass('hub.installed_view') IS NOT NULL`)
	if err != nil || !exists[0] {
		return false, err
	}
	installed, err := p.isInstalled(ctx, pool)
	if err != nil {
		return false, fmt.Errorf("refresh: read what is installed: %w", err)
	}
	return installed, nil
}

// Unfilled returns the materialized views and summaries of the installed package, with their
// schemas, that have not been filled yet, and have not failed to be: a Refresher is about to. The
// package must have been installed by this version.
func Unfilled(ctx context.Context, pool *pgxpool.Pool) ([]string, error) {
	names, err := collect[string](ctx, pool, `
		SELECT view_name FROM hub.view_refresh JOIN hub.installed_view USING (view_name)
		WHERE refreshed_at IS NULL AND error IS NULL AND to_regclass(view_name) IS NOT NULL
		ORDER BY view_name`)
	if err != nil {
		return nil, fmt.Errorf("refresh: find views that are not filled: %w", err)
	}
	return names, nil
}
