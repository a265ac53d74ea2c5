package load

import (
	"io/fs"

	"github.com/jackc/pgx/v5/pgxpool"
)

// MigratorOf returns a Migrator that runs other migrations than the loader's.
func MigratorOf(pool *pgxpool.Pool, files fs.FS) *Migrator {
	return &Migrator{pool: pool, files: files}
}
