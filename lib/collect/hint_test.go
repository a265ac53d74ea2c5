package collect_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hubspoke/observability/lib/collect"
)

// changed is an event that thingsHint takes.
func changed(at time.Time) collect.Event {
	return collect.Event{Source: "aws.things", Type: "Thing Changed", Account: account, Region: "eu-central-1", Time: at}
}

var thingsHint = collect.Hint{Source: "aws.things", Types: []string{"Thing Changed"}}

func TestHintMakesAScopeDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var starts []time.Duration
		c := collector(func(context.Context, *collect.Env, func(thing) error) error {
			starts = append(starts, time.Since(begin))
			return nil
		})
		c.Hints = []collect.Hint{thingsHint}
		r := newRunner(t, config(c))
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Hour)
		defer cancel()
		time.AfterFunc(10*time.Minute, func() {
			if heard := r.Hear(changed(time.Now())); heard != collect.Taken {
				t.Error(heard)
			}
		})
		r.Run(ctx)
		want := []time.Duration{0, 10*time.Minute + 2*time.Second, 70*time.Minute + 2*time.Second}
		if len(starts) != 3 || starts[0] != want[0] || starts[1] != want[1] || starts[2] != want[2] {
			t.Errorf("starts %v, want %v", starts, want)
		}
	})
}
