package main

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/internal/programtest"
	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/pgtest"
	"github.com/hubspoke/observability/schemas"
)

// TestCollectionCost: what a spoke pays is known in the hub, from the stream and from the
// archive.
func TestCollectionCost(t *testing.T) {
	w := newWorld(t, 1)
	c := w.consume("--no-refresh")
	paying := collect.Collector[schemas.Certificate]{
		Category: schemas.Certificates, Reach: collect.PerRegion, Every: time.Hour, PaidRequests: 3,
		Calls: []string{"sts:GetCallerIdentity"},
		Collect: func(ctx context.Context, env *collect.Env, emit func(schemas.Certificate) error) error {
			for range 3 {
				if _, err := sts.NewFromConfig(env.AWS).GetCallerIdentity(ctx, nil); err != nil {
					return err
				}
			}
			return emit(certificate(1, "ISSUED"))
		},
	}
	runner, err := collect.New(collect.Config{
		Account: "111122223333", Regions: []string{region}, Collectors: []collect.Any{paying}, Publisher: w.publisher,
		Archive: w.archive, AWS: func(region string) aws.Config { return w.aws.AWSConfig("111122223333", region) },
		Services: []collect.Service{{ID: "STS", Name: "sts", Price: 0.015, Rate: collect.Rate{PerSecond: 1000, Burst: 10}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := runner.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	programtest.Eventually(t, "a run", func() bool {
		return w.count("SELECT count(*) FROM hub.run WHERE completed_at IS NOT NULL") == 1
	})
	c.stop(t)

	want := func(db *pgtest.DB) {
		t.Helper()
		got := query[string](t, db, `SELECT concat_ws(' ', account_id, category, requests, paid_requests, trim_scale(usd))
			FROM collection_cost`)
		if len(got) != 1 || got[0] != "111122223333 certificates 3 3 0.045" {
			t.Errorf("%q", got)
		}
	}
	want(w.db)
	replayed := pgtest.New(t, template)
	hub(t.Context(), "replay", "--bucket", bucket, "--database-url", replayed.URL).want(t, program.ExitDone)
	want(replayed)
}
