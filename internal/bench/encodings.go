package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/jackc/pgx/v5"

	"github.com/hubspoke/observability/internal/fixture"
	"github.com/hubspoke/observability/lib/envelope"
	"github.com/hubspoke/observability/lib/pgcopy"
	"github.com/hubspoke/observability/lib/pgtest/pgserver"
	"github.com/hubspoke/observability/lib/rowjson"
	"github.com/hubspoke/observability/lib/rows"
	"github.com/hubspoke/observability/lib/schema"
)

const (
	shardBytesPerSecond   = 1 << 20
	shardRecordsPerSecond = 1000
)

// wire measures how many bytes a row takes on the stream.
func wire(context.Context, size) ([]figure, error) {
	const rows = 20_000
	lines := fixture.Lines(fixture.FindingsOf("123456789012", "eu-central-1", rows, 1))
	var figures []figure
	for _, c := range []struct {
		perPart int
		goal    float64
	}{{500, 120}, {1000, 105}} {
		p, err := envelope.NewPacker(envelope.Config{MaxRows: c.perPart})
		if err != nil {
			return nil, err
		}
		run, err := p.Run(schema.Scope{Category: "fixture_findings", Account: "123456789012", Region: "eu-central-1"},
			schema.NewRunID(time.Now()))
		if err != nil {
			return nil, err
		}
		for _, line := range lines {
			if err := run.Add(line); err != nil {
				return nil, err
			}
		}
		sent := 0
		for _, part := range run.Flush() {
			sent += len(part.Record)
		}
		perRow := float64(sent) / rows
		figures = append(figures, figure{fmt.Sprintf("wire: %d rows a record", c.perPart), perRow, "B/row",
			fmt.Sprintf("%d B/row as JSON", totalSize(lines)/rows), c.goal, true})
		if c.perPart == 500 {
			alone := min(shardRecordsPerSecond, shardBytesPerSecond*rows/float64(totalSize(lines)))
			figures = append(figures, figure{"wire: rows through a shard in a second", shardBytesPerSecond / perRow / alone, "×",
				"one JSON row a record", 9, false})
		}
	}
	return figures, nil
}

func totalSize(lines [][]byte) (n int) {
	for _, l := range lines {
		n += len(l)
	}
	return n
}

// decoding compares the decoder with encoding/json into structs.
func decoding(_ context.Context, s size) ([]figure, error) {
	lines := fixture.Lines(fixture.Findings(10_000, 2))
	d := rowjson.NewDecoder(fixture.Category.Table, nil)
	defer d.Release()
	ours := func() error {
		for _, line := range lines {
			if err := d.Append(line, ""); err != nil {
				return err
			}
		}
		d.Record().Release()
		return nil
	}
	structs := func() error {
		for _, line := range lines {
			var f fixture.Finding
			if err := json.Unmarshal(line, &f); err != nil {
				return err
			}
		}
		return nil
	}
	a, b, err := alternate(2*s.rounds+1, wallTime, ours, structs)
	if err != nil {
		return nil, err
	}
	allocs, err := allocations(ours)
	perRow := float64(a.Nanoseconds()) / float64(len(lines))
	return []figure{
		{"decode: JSON to Arrow", float64(b) / float64(a), "×",
			fmt.Sprintf("encoding/json into structs; %.0f ns/row, %.0f MB/s", perRow,
				float64(totalSize(lines))/a.Seconds()/1e6), 3, false},
		{"decode: allocations", allocs / float64(len(lines)), "/row", "-", 0.1, true},
	}, err
}

func allocations(f func() error) (float64, error) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err := f()
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs - before.Mallocs), err
}

// record returns the fixture as an Arrow record.
func record(n int) (arrow.Record, error) {
	a := rows.NewAppender(fixture.Category, nil)
	defer a.Release()
	for _, f := range fixture.Findings(n, 3) {
		if err := a.Append(&f); err != nil {
			return nil, err
		}
	}
	return a.Record(), nil
}

// copying compares the COPY encoder with bytes that were encoded before, and its
// processor time with that of pgx.
func copying(ctx context.Context, s size) ([]figure, error) {
	server, err := pgserver.Start(ctx, pgserver.Config{})
	if err != nil {
		return nil, err
	}
	defer server.Stop()
	conn, err := pgx.Connect(ctx, server.URL())
	if err != nil {
		return nil, err
	}
	defer conn.Close(ctx)
	rec, err := record(20_000)
	if err != nil {
		return nil, err
	}
	defer rec.Release()
	if _, err := conn.Exec(ctx, "CREATE UNLOGGED TABLE target AS SELECT * FROM ("+emptyRow()+") x"); err != nil {
		return nil, err
	}
	encoder := func() (io.Reader, error) { return pgcopy.NewReader(pgcopy.Source{Record: rec}) }
	r, err := encoder()
	if err != nil {
		return nil, err
	}
	encoded, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	send := func(r io.Reader) error {
		if _, err := conn.PgConn().CopyFrom(ctx, r, "COPY target FROM STDIN BINARY"); err != nil {
			return err
		}
		_, err := conn.Exec(ctx, "TRUNCATE target")
		return err
	}
	ours := func() error {
		r, err := encoder()
		if err != nil {
			return err
		}
		return send(r)
	}
	floor := func() error { return send(bytes.NewReader(encoded)) }
	values := boxed(rec)
	var names []string
	for _, c := range fixture.Category.Columns() {
		names = append(names, c.Name)
	}
	boxedCopy := func() error {
		if _, err := conn.CopyFrom(ctx, pgx.Identifier{"target"}, names, pgx.CopyFromRows(values)); err != nil {
			return err
		}
		_, err := conn.Exec(ctx, "TRUNCATE target")
		return err
	}
	a, b, err := alternate(4*s.rounds+1, wallTime, ours, floor)
	if err != nil {
		return nil, err
	}
	oursCPU, boxedCPU, err := alternate(4*s.rounds+1, cpuTime, ours, boxedCopy)
	return []figure{
		{"COPY: throughput", float64(b) / float64(a), "×",
			fmt.Sprintf("bytes encoded before, sent by pgconn; %.2f µs/row", perRow(a, 20_000)), 0.9, false},
		{"COPY: client processor time", float64(oursCPU) / float64(boxedCPU), "×",
			"pgx CopyFrom([]any) of values already boxed", 0.45, true},
	}, err
}

func perRow(d time.Duration, n int) float64 { return float64(d.Nanoseconds()) / 1e3 / float64(n) }

// emptyRow is a query of no rows with the columns of the fixture.
func emptyRow() string {
	sql := "SELECT "
	for i, c := range fixture.Category.Columns() {
		if i > 0 {
			sql += ", "
		}
		sql += "NULL::" + c.Kind.PostgresType() + " AS " + c.Name
	}
	return sql + " WHERE false"
}

// boxed returns the rows as pgx's CopyFrom takes them.
func boxed(rec arrow.Record) [][]any {
	rows := make([][]any, rec.NumRows())
	for i := range rows {
		for _, column := range rec.Columns() {
			var v any
			if !column.IsNull(i) {
				switch column := column.(type) {
				case *array.String:
					v = column.Value(i)
				case *array.Int64:
					v = column.Value(i)
				case *array.Timestamp:
					v = column.Value(i).ToTime(arrow.Microsecond)
				}
			}
			rows[i] = append(rows[i], v)
		}
	}
	return rows
}
