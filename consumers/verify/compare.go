package verify

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"github.com/hubspoke/observability/lib/schema"
)

// Comparison is how the live rows of one category compare in two databases.
type Comparison struct {
	// Category by name.
	Category string `json:"category"`
	// Rows that are live here and There, in the other database.
	Rows  int64 `json:"live_rows"`
	There int64 `json:"live_rows_there"`
	// OnlyHere, OnlyThere and Differing rows.
	OnlyHere  int64 `json:"only_here"`
	OnlyThere int64 `json:"only_there"`
	Differing int64 `json:"differing"`
	// Differences by natural key, the first ones of each kind.
	Differences []Difference `json:"differences"`
}

// Difference is one row that differs.
type Difference struct {
	// What is only_here, only_there or differing, or edited where it is about content.
	What    string `json:"what"`
	Account string `json:"account_id"`
	Region  string `json:"region"`
	// Key of the row by its key columns.
	Key map[string]string `json:"key"`
	// Columns that differ, if both have the row.
	Columns []string `json:"columns,omitempty"`
}

// String names the row.
func (d Difference) String() string {
	text := d.Account + "/" + d.Region
	for _, name := range sortedKeys(d.Key) {
		text += " " + name + "=" + d.Key[name]
	}
	return text
}

// Total is how many rows differ.
func (c Comparison) Total() int64 { return c.OnlyHere + c.OnlyThere + c.Differing }

// Compare compares the live rows of two databases, by key and content, each as it is at
// one moment. Their columns are compared by digests, which each server computes, then row
// by row where digests differ. At most limit rows of each kind are named.
func Compare(ctx context.Context, here, there *pgxpool.Pool, tables []*schema.Table, limit int) ([]Comparison, error) {
	results := []Comparison{}
	err := atOneMoment(ctx, here, func(a pgx.Tx) error {
		return atOneMoment(ctx, there, func(b pgx.Tx) error {
			for _, t := range tables {
				x := comparison{table: t, here: a, there: b, limit: limit,
					result: Comparison{Category: t.Name(), Differences: []Difference{}}}
				if err := x.run(ctx); err != nil {
					return fmt.Errorf("compare category %s: %w", t.Name(), err)
				}
				results = append(results, x.result)
			}
			return nil
		})
	})
	return results, err
}

// comparison compares one category.
type comparison struct {
	table       *schema.Table
	here, there pgx.Tx
	limit       int
	result      Comparison
}

// digest stands for a set of live rows: their number and the exclusive or of the hashes
// of their content.
type digest struct {
	Rows int64
	Xor  string
}

// prefix is the first two bytes of row keys: what stands for a range of them. Most
// ranges are the rows of one account and region.
type prefix string

// bounds returns the first and the last key of the range.
func (p prefix) bounds() (first, last [16]byte) {
	copy(first[:], p)
	for i := copy(last[:], p); i < len(last); i++ {
		last[i] = 0xff
	}
	return first, last
}

func (c *comparison) run(ctx context.Context) error {
	var here, there map[prefix]digest
	both, digesting := errgroup.WithContext(ctx)
	both.Go(func() (err error) { here, err = c.digests(digesting, c.here); return err })
	both.Go(func() (err error) { there, err = c.digests(digesting, c.there); return err })
	if err := both.Wait(); err != nil {
		return err
	}
	differing := map[prefix]bool{}
	for p, d := range here {
		c.result.Rows += d.Rows
		differing[p] = d != there[p]
	}
	for p, d := range there {
		c.result.There += d.Rows
		differing[p] = d != here[p]
	}
	for _, p := range slices.Sorted(maps.Keys(differing)) {
		if !differing[p] {
			continue
		}
		if err := c.compareRange(ctx, p); err != nil {
			return fmt.Errorf("row keys that begin with %x: %w", string(p), err)
		}
	}
	return nil
}

// contentSQL is the SHA-256 of all columns of a row as text. The settings of the server
// and the session do not change it.
func (c *comparison) contentSQL() string {
	columns := []string{"account_id", "region"}
	for _, column := range c.table.Columns() {
		columns = append(columns, column.Name)
	}
	return "sha256(convert_to(ROW(" + strings.Join(columns, ", ") + ")::text, 'UTF8'))"
}

// digests returns the digest of each range of keys. They are computed where the rows
// are: the stored hashes are not those of rows that somebody has edited.
func (c *comparison) digests(ctx context.Context, tx pgx.Tx) (map[prefix]digest, error) {
	rows, err := tx.Query(ctx, fmt.Sprintf(`
		SELECT substr(uuid_send(row_key), 1, 2), count(*),
		       bit_xor(('x' || encode(substr(sha256(uuid_send(row_key) || %s), 1, 16), 'hex'))::bit(128))::text
		FROM obs.%s WHERE deleted_at IS NULL GROUP BY 1`, c.contentSQL(), c.table.Name()))
	if err != nil {
		return nil, err
	}
	digests := map[prefix]digest{}
	var p []byte
	var d digest
	_, err = pgx.ForEachRow(rows, []any{&p, &d.Rows, &d.Xor}, func() error {
		digests[prefix(p)] = d
		return nil
	})
	return digests, err
}

// cursor reads the live rows of a range in the order of their keys.
type cursor struct {
	rows    pgx.Rows
	key     [16]byte
	content []byte // its hash
	ok      bool
}

func (c *comparison) cursor(ctx context.Context, tx pgx.Tx, p prefix) (*cursor, error) {
	first, last := p.bounds()
	rows, err := tx.Query(ctx, fmt.Sprintf(`
		SELECT row_key, %s FROM obs.%s WHERE row_key BETWEEN $1 AND $2 AND deleted_at IS NULL ORDER BY row_key`,
		c.contentSQL(), c.table.Name()), first, last)
	if err != nil {
		return nil, err
	}
	return &cursor{rows: rows}, nil
}

func (c *cursor) next() error {
	c.ok = c.rows.Next()
	if !c.ok {
		return c.rows.Err()
	}
	return c.rows.Scan(&c.key, &c.content)
}

// compareRange goes through the rows of a range on both sides.
func (c *comparison) compareRange(ctx context.Context, p prefix) error {
	named := map[string][][16]byte{}
	note := func(what string, count *int64, key [16]byte) {
		if *count++; *count <= int64(c.limit) {
			named[what] = append(named[what], key)
		}
	}
	if err := c.merge(ctx, p, note); err != nil {
		return err
	}
	for _, what := range []string{onlyHere, onlyThere, differing} {
		for _, key := range named[what] {
			d, err := c.describe(ctx, what, key)
			if err != nil {
				return err
			}
			c.result.Differences = append(c.result.Differences, d)
		}
	}
	return nil
}

// What a difference is.
const (
	onlyHere  = "only_here"
	onlyThere = "only_there"
	differing = "differing"
)

func (c *comparison) merge(ctx context.Context, p prefix, note func(what string, count *int64, key [16]byte)) error {
	here, err := c.cursor(ctx, c.here, p)
	if err != nil {
		return err
	}
	defer here.rows.Close()
	there, err := c.cursor(ctx, c.there, p)
	if err != nil {
		return err
	}
	defer there.rows.Close()
	if err := nextOf(here, there); err != nil {
		return err
	}
	for here.ok || there.ok {
		order := bytes.Compare(here.key[:], there.key[:])
		switch {
		case !there.ok || here.ok && order < 0:
			note(onlyHere, &c.result.OnlyHere, here.key)
			err = here.next()
		case !here.ok || order > 0:
			note(onlyThere, &c.result.OnlyThere, there.key)
			err = there.next()
		default:
			if !bytes.Equal(here.content, there.content) {
				note(differing, &c.result.Differing, here.key)
			}
			err = nextOf(here, there)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func nextOf(cursors ...*cursor) error {
	for _, c := range cursors {
		if err := c.next(); err != nil {
			return err
		}
	}
	return nil
}

// describe names a row by its key columns, and the columns that differ.
func (c *comparison) describe(ctx context.Context, what string, key [16]byte) (Difference, error) {
	d := Difference{What: what, Key: map[string]string{}}
	sides := []pgx.Tx{c.here, c.there}
	switch what {
	case onlyHere:
		sides = sides[:1]
	case onlyThere:
		sides = sides[1:]
	}
	var contents [][]*string
	for _, tx := range sides {
		content, err := contentOf(ctx, tx, c.table, key)
		if err != nil {
			return d, err
		}
		contents = append(contents, content)
	}
	first := contents[0]
	d.Account, d.Region = *first[0], *first[1]
	for i, name := range []string{"account_id", "region"} {
		if len(contents) == 2 && !equalText(first[i], contents[1][i]) {
			d.Columns = append(d.Columns, name)
		}
	}
	for i, column := range c.table.Columns() {
		value := first[2+i]
		if column.Key {
			d.Key[column.Name] = *value
		}
		if len(contents) == 2 && !equalText(value, contents[1][2+i]) {
			d.Columns = append(d.Columns, column.Name)
		}
	}
	return d, nil
}

// describeRow names a row of one database.
func describeRow(ctx context.Context, tx pgx.Tx, t *schema.Table, key [16]byte) (d Difference, err error) {
	c := comparison{table: t, here: tx}
	return c.describe(ctx, onlyHere, key)
}

// contentOf returns account, region and all columns of a row as text.
func contentOf(ctx context.Context, tx pgx.Tx, t *schema.Table, key [16]byte) ([]*string, error) {
	columns := []string{"account_id", "region"}
	for _, column := range t.Columns() {
		columns = append(columns, column.Name+"::text")
	}
	values := make([]*string, len(columns))
	into := make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	err := tx.QueryRow(ctx, fmt.Sprintf("SELECT %s FROM obs.%s WHERE row_key = $1", strings.Join(columns, ", "), t.Name()),
		key).Scan(into...)
	return values, err
}

func equalText(a, b *string) bool {
	return a == b || a != nil && b != nil && *a == *b
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
