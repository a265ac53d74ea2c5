package simulate_test

import (
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/producers/simulate"
)

// TestEventsAreHintsForWhatChanged: the events of a step are for the scopes that differ from
// those before it.
func TestEventsAreHintsForWhatChanged(t *testing.T) {
	w := world(t, simulate.Config{Accounts: 1}, 0)
	account := w.Accounts()[0].ID
	runner, err := collect.New(collect.Config{
		Account: account, Regions: w.Regions(), Collectors: w.Collectors(account),
		AWS: func(region string) aws.Config { return aws.Config{Region: region} },
	})
	if err != nil {
		t.Fatal(err)
	}
	told := map[schema.Scope]bool{}
	for range 20 {
		before := contents(t, w)
		changed := w.Step()
		for scope, rows := range contents(t, w) {
			differs := !slices.Equal(rows, before[scope])
			if differs && !slices.Contains(changed, scope) {
				t.Errorf("%v changed, and Step does not say so", scope)
			}
		}
		for _, scope := range changed {
			message, ok := w.Event(scope, time.Now())
			if !ok {
				continue
			}
			event, err := collect.ParseEvent(message)
			if err != nil {
				t.Fatalf("%v: %v\n%s", scope, err, message)
			}
			if scopes := runner.ScopesOf(event); !slices.Contains(scopes, scope) {
				t.Errorf("the event of %v is for %v", scope, scopes)
			}
			told[scope] = true
		}
	}
	if len(told) < 20 {
		t.Errorf("only %d scopes had an event", len(told))
	}
	if _, ok := w.Event(schema.Scope{Category: "nothing"}, time.Now()); ok {
		t.Error("an event of a scope that the world does not have")
	}
}
