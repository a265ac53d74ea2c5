package verify

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/schema"
)

// Content says whether the live rows of one category are as they were sent.
type Content struct {
	// Category by name.
	Category string `json:"category"`
	Rows     int64  `json:"live_rows"`
	// Keys and Hashes are rows with columns that give another key, or another hash, and
	// Unreadable ones have values that no row that was sent can have.
	Keys       int64 `json:"wrong_keys"`
	Hashes     int64 `json:"wrong_hashes"`
	Unreadable int64 `json:"unreadable"`
	// Waiting rows are written by the next run, since a column was added: no difference.
	Waiting int64 `json:"waiting"`
	// Differences by natural key, the first ones.
	Differences []Difference `json:"differences"`
}

// Total is how many rows are not as they were sent.
func (c Content) Total() int64 { return c.Keys + c.Hashes + c.Unreadable }

// edited is what a difference of contents is.
const edited = "edited"

// CheckContent checks whether the key and the hash of every live row are those of its
// columns, and reads all of them. At most limit rows of each category are named.
func CheckContent(ctx context.Context, pool *pgxpool.Pool, tables []*schema.Table, limit int) ([]Content, error) {
	results := []Content{}
	err := atOneMoment(ctx, pool, func(tx pgx.Tx) error {
		for _, t := range tables {
			r, err := contentOfTable(ctx, tx, t, limit)
			if err != nil {
				return err
			}
			results = append(results, r)
		}
		return nil
	})
	return results, err
}

func contentOfTable(ctx context.Context, tx pgx.Tx, t *schema.Table, limit int) (Content, error) {
	found, err := load.CheckContent(ctx, tx, t, limit)
	if err != nil {
		return Content{}, err
	}
	r := Content{
		Category: t.Name(), Rows: found.Rows, Keys: found.Keys, Hashes: found.Hashes,
		Unreadable: found.Unreadable, Waiting: found.Waiting,
		Differences: []Difference{},
	}
	for _, key := range found.Examples {
		d, err := describeRow(ctx, tx, t, key)
		if err != nil {
			return r, fmt.Errorf("describe a row of %s: %w", t.Name(), err)
		}
		d.What = edited
		r.Differences = append(r.Differences, d)
	}
	return r, nil
}
