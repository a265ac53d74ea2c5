package simulate

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/hubspoke/observability/lib/schema"
)

// Event returns an event that EventBridge would deliver after a change in a scope at a time:
// the first one that the collector of its category declares as a hint. false if AWS tells
// nobody of such changes.
func (w *World) Event(scope schema.Scope, at time.Time) ([]byte, bool) {
	c := w.cells[scope] // the set of cells never changes
	if c == nil || len(c.hints()) == 0 {
		return nil, false
	}
	hint := c.hints()[0]
	event := map[string]any{
		"version": "0", "source": hint.Source, "account": scope.Account, "region": scope.Region,
		"time": at.UTC().Format(time.RFC3339Nano), "resources": []string{}, "detail": map[string]string{},
	}
	switch {
	case hint.Only != "":
		event["region"] = hint.Only
	case scope.Region == schema.GlobalRegion:
		event["region"] = "us-east-1"
	}
	if len(hint.Types) > 0 {
		event["detail-type"] = hint.Types[0]
	} else {
		event["detail-type"] = "AWS API Call via CloudTrail"
		event["detail"] = map[string]string{"eventName": strings.TrimSuffix(hint.Calls[0], "*")}
	}
	message, err := json.Marshal(event)
	if err != nil {
		panic(err) // texts alone
	}
	return message, true
}
