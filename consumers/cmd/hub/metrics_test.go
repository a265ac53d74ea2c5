package main

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/pgtest"
)

// values returns the values of a metric, by the value of its one label.
func (m *metrics) values(name string) map[string]float64 {
	found := map[string]float64{}
	families, _ := m.registry.Gather() // an error says that a metric is missing
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		for _, metric := range family.GetMetric() {
			label := ""
			for _, pair := range metric.GetLabel() {
				label = pair.GetValue()
			}
			found[label] = metric.GetGauge().GetValue() + metric.GetCounter().GetValue()
		}
	}
	return found
}

func TestMetricsThatTheDatabaseKnows(t *testing.T) {
	db := pgtest.New(t, template)
	pool := must(databaseFlags{DatabaseURL: db.URL}.open(t.Context(), 2))
	id := streamIdentity{ARN: streamARN, Created: time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC)}
	m := newMetrics("v1", pool, id)
	if _, err := db.Pool.Exec(t.Context(),
		`INSERT INTO hub.shard_progress (stream, stream_created_at, shard, sequence_number, arrived_at)
		VALUES ($1, $2, 'shard-0', 1, now() - interval '1 minute')`, id.ARN, id.Created); err != nil {
		t.Fatal(err)
	}
	for _, stream := range []struct {
		arn     string
		created time.Time
	}{{id.ARN, id.Created}, {id.ARN, id.Created.Add(-time.Hour)}, {id.ARN + "2", id.Created}} {
		if _, err := db.Pool.Exec(t.Context(),
			`INSERT INTO hub.gap (stream, stream_created_at, shard, after_sequence, until_sequence, reason)
			VALUES ($1, $2, 'shard-0', '1', '2', 'trimmed')`, stream.arn, stream.created); err != nil {
			t.Fatal(err)
		}
	}
	if gaps := m.values("hub_stream_gaps")[""]; gaps != 1 {
		t.Errorf("%v gaps: those of other streams, and of the one before, are not this stream's", gaps)
	}
	before := m.values("hub_shard_lag_seconds")["shard-0"]
	if up := m.values("hub_database_up")[""]; up != 1 || before < 60 {
		t.Errorf("up %v, lag %v", up, before)
	}
	pool.Close()
	if up, known := m.values("hub_database_up")[""]; up != 0 || !known {
		t.Errorf("without a database: up %v, %v", up, known)
	}
	if after := m.values("hub_shard_lag_seconds")["shard-0"]; after <= before {
		t.Errorf("the lag was %v, and is %v without a database", before, after)
	}
	if len(m.values("hub_stream_gaps")) != 0 {
		t.Error("gaps without a database")
	}
}

func TestLastCommit(t *testing.T) {
	pool := must(databaseFlags{DatabaseURL: pgtest.New(t, template).URL}.open(t.Context(), 1))
	defer pool.Close()
	m := newMetrics("v1", pool, streamIdentity{})
	if v := m.values("hub_last_commit_timestamp_seconds"); len(v) != 0 {
		t.Errorf("before the first commit: %v", v)
	}
	began := time.Now()
	m.applied(load.Result{})
	if v := m.values("hub_last_commit_timestamp_seconds")[""]; v < float64(began.Unix()) {
		t.Errorf("last commit %v", v)
	}
}

func TestSeriesOfAShardGoWithIt(t *testing.T) {
	m := newMetrics("v1", nil, streamIdentity{})
	hooks := m.stream()
	for _, shard := range []string{"shard-0", "shard-1"} {
		hooks.LeaseTaken(shard)
		hooks.Read(shard, 1, 10, time.Second)
	}
	hooks.LeaseEnded("shard-0", nil)
	hooks.ShardGone("shard-0")
	for _, name := range []string{"hub_lease", "hub_shard_behind_seconds", "hub_read_records_total",
		"hub_read_bytes_total"} {
		if v := m.values(name); len(v) != 1 {
			t.Errorf("%s: %v", name, v)
		}
	}
}

func TestRecordsThatWaitForTheDatabaseAreReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		m := newMetrics("v1", nil, streamIdentity{})
		c := consumer{log: slog.New(slog.NewTextHandler(&log, nil)), metrics: m, slow: slowCommit}
		reports := func(after time.Duration) bool {
			time.Sleep(after)
			log.Reset()
			c.report(t.Context())
			return strings.Contains(log.String(), "nothing is applied")
		}
		hooks := m.stream()
		hooks.Read("shard-0", 0, 0, 0)
		if reports(time.Hour) {
			t.Error("nothing was read")
		}
		hooks.Read("shard-0", 1, 10, 0)
		if reports(slowCommit) {
			t.Error("too early")
		}
		hooks.Read("shard-0", 1, 10, 0)
		if !reports(time.Second) || !strings.Contains(log.String(), "for=31s") {
			t.Errorf("31 seconds after the first read: %s", &log)
		}
		m.applied(load.Result{})
		if reports(time.Hour) {
			t.Error("all is applied")
		}
		hooks.Read("shard-0", 1, 10, 0)
		hooks.LeaseEnded("shard-0", nil)
		if reports(time.Hour) {
			t.Error("the shard is elsewhere")
		}
	})
}

func TestReadinessNamesADatabaseThatDoesNotAnswer(t *testing.T) {
	db := pgtest.New(t, template)
	pool := must(databaseFlags{DatabaseURL: db.URL}.open(t.Context(), 1))
	defer pool.Close()
	ready := answers(pool, new(watchdog))
	if err := ready(t.Context()); err != nil {
		t.Error(err)
	}
	held := must(pool.Acquire(t.Context())) // all connections are at work
	defer held.Release()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := ready(ctx); err == nil || !strings.Contains(err.Error(), "the database has not answered for 100ms: ") {
		t.Errorf("got %v", err)
	}
}
