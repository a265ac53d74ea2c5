package pgtest

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Template describes a database that tests clone.
type Template struct {
	// Name tells the templates of one test process apart. Required.
	Name string

	// Hash stands for everything that Migrate does, for example a hash of the
	// migration files. Test processes on one server share the template with
	// the same Name and Hash, and trust that it is the same.
	// Defaults to the hash of the running test binary, which is enough unless
	// Migrate reads files or variables at run time.
	Hash string

	// Migrate fills the new database that pool is connected to. The pool is closed
	// when it returns. Required.
	Migrate func(ctx context.Context, pool *pgxpool.Pool) error
}

func (tmpl Template) fill(ctx context.Context, url string) error {
	pool, err := pgxpool.New(ctx, url)
	if err != nil {
		return err
	}
	defer pool.Close()
	return tmpl.Migrate(ctx, pool)
}

func (tmpl Template) validate() error {
	var faults []error
	if tmpl.Name == "" {
		faults = append(faults, errors.New("Template.Name is empty"))
	}
	if tmpl.Migrate == nil {
		faults = append(faults, errors.New("Template.Migrate is nil"))
	}
	return errors.Join(faults...)
}

// suffix ends the name of the template's database.
func (tmpl Template) suffix() (string, error) {
	hash := tmpl.Hash
	if hash == "" {
		var err error
		if hash, err = binaryHash(); err != nil {
			return "", err
		}
	}
	sum := sha256.Sum256([]byte(tmpl.Name + "\x00" + hash))
	return "_template_" + hex.EncodeToString(sum[:12]), nil
}

// binaryHash is the SHA-256 of the running program.
var binaryHash = sync.OnceValues(func() (string, error) {
	path, err := os.Executable()
	if err != nil {
		return "", err
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
})

// clone makes the database name from the template, and the template if needed.
func (s *server) clone(ctx context.Context, tmpl Template, name string) error {
	if err := tmpl.validate(); err != nil {
		return err
	}
	suffix, err := tmpl.suffix()
	if err != nil {
		return err
	}
	return s.admin(ctx, func(conn *pgx.Conn) error {
		// The template that another process made may be dropped as a leftover
		// just now: then it is made once more.
		for attempt := 1; ; attempt++ {
			source, err := s.template(ctx, conn, tmpl, suffix)
			if err != nil {
				return fmt.Errorf("template %s: %w", tmpl.Name, err)
			}
			err = exec(ctx, conn, "CREATE DATABASE %s TEMPLATE %s", name, source)
			if attempt == 2 || !hasCode(err, undefinedObject) {
				return err
			}
			s.forget(suffix)
		}
	})
}

// template returns the name of the template's database, and makes it if no
// process has.
func (s *server) template(ctx context.Context, conn *pgx.Conn, tmpl Template, suffix string) (name string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if name, ok := s.templates[suffix]; ok {
		return name, nil
	}
	const key = "hashtextextended($1, 0)"
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock("+key+")", suffix); err != nil {
		return "", err
	}
	defer func() {
		_, unlockErr := conn.Exec(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock("+key+")", suffix)
		err = errors.Join(err, unlockErr)
	}()
	name, err = findTemplate(ctx, conn, suffix)
	if errors.Is(err, pgx.ErrNoRows) {
		name, err = s.makeTemplate(ctx, conn, tmpl, suffix)
	}
	if err != nil {
		return "", err
	}
	s.templates[suffix] = name
	return name, nil
}

func (s *server) forget(suffix string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.templates, suffix)
}

func findTemplate(ctx context.Context, conn *pgx.Conn, suffix string) (name string, err error) {
	err = conn.QueryRow(ctx, `
		SELECT datname FROM pg_database
		WHERE starts_with(datname, $1) AND right(datname, length($2)) = $2`,
		prefix, suffix).Scan(&name)
	return name, err
}

// makeTemplate migrates a database under another name first: one that has the
// template's name is finished.
func (s *server) makeTemplate(ctx context.Context, conn *pgx.Conn, tmpl Template, suffix string) (name string,
	err error) {
	draft := databaseName(strings.ToLower(rand.Text()))
	if err := exec(ctx, conn, "CREATE DATABASE %s TEMPLATE template0", draft); err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.drop(context.WithoutCancel(ctx), draft))
		}
	}()
	if err := tmpl.fill(ctx, s.databaseURL(draft)); err != nil {
		return "", fmt.Errorf("migrating: %w", err)
	}
	// A database with connections cannot be cloned.
	if err := exec(ctx, conn, "ALTER DATABASE %s ALLOW_CONNECTIONS false", draft); err != nil {
		return "", err
	}
	name = databaseName(strings.TrimPrefix(suffix, "_"))
	return name, exec(ctx, conn, "ALTER DATABASE %s RENAME TO %s", draft, name)
}
