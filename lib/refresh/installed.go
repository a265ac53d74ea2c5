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
