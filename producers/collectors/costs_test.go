package collectors

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/costexplorer/types"

	"github.com/hubspoke/observability/schemas"
)

// TestCostQuery has the groups and the filter of another category.
func TestCostQuery(t *testing.T) {
	a := &answer{status: 200, body: `{"ResultsByTime":[
		{"TimePeriod":{"Start":"2026-10-18"},"Estimated":true,"Groups":[
			{"Keys":["Logs","USW2","Linux"],"Metrics":{
				"UnblendedCost":{"Amount":"1.5","Unit":"USD"},"UsageQuantity":{"Amount":"2","Unit":"N/A"}}},
			{"Keys":["Logs","","Linux"],"Metrics":{}}]},
		{"TimePeriod":{"Start":"2026-10-19"},"Groups":[]}]}`}
	env := a.env("eu-west-1")
	q := lastDays(env.Now, 2)
	q.groups = []string{"SERVICE", "USAGE_TYPE", "PLATFORM"}
	q.filter = &types.Expression{Dimensions: &types.DimensionValues{
		Key: types.DimensionBillingEntity, Values: []string{"AWS Marketplace"},
	}}
	if want := []string{"2026-10-18", "2026-10-19"}; !slices.Equal(q.days(), want) {
		t.Errorf("days %q, want %q", q.days(), want)
	}
	var rows []schemas.ServiceCost
	err := collectCosts(t.Context(), env, q, func(l *costLine) schemas.ServiceCost {
		return schemas.ServiceCost{
			UsageDate: l.Day, Service: l.key(0), UsageRegion: l.key(1) + l.key(2), Estimated: l.Estimated,
			UnblendedCost: l.mustCost("UnblendedCost"),
			UsageQuantity: l.usage("UsageQuantity"), UsageUnit: l.unit("UsageQuantity"),
		}
	}, func(row schemas.ServiceCost) error { rows = append(rows, row); return nil })
	const fault = "GetCostAndUsage: 2026-10-18 Logs in  in Linux: UnblendedCost is missing"
	if err == nil || err.Error() != fault {
		t.Errorf("error %v, want %s", err, fault)
	}
	if len(rows) != 1 || rows[0].UsageRegion != "USW2Linux" || rows[0].UnblendedCost.String() != "1.5" ||
		!rows[0].Estimated || rows[0].UsageQuantity.String() != "2" || rows[0].UsageUnit != nil ||
		rows[0].UsageDate.String() != "2026-10-18" {
		t.Errorf("rows %+v", rows)
	}
	var sent struct {
		TimePeriod struct{ Start, End string }
		GroupBy    []struct{ Key string }
		Filter     struct {
			And []struct{ Dimensions struct{ Key string } }
		}
	}
	if err := json.Unmarshal([]byte(a.bodies[0]), &sent); err != nil {
		t.Fatal(err)
	}
	filters := sent.Filter.And
	if len(filters) != 2 || filters[0].Dimensions.Key != "LINKED_ACCOUNT" ||
		filters[1].Dimensions.Key != "BILLING_ENTITY" ||
		len(sent.GroupBy) != 3 || sent.GroupBy[2].Key != "PLATFORM" ||
		sent.TimePeriod.Start != "2026-10-18" || sent.TimePeriod.End != "2026-10-20" {
		t.Errorf("asked %s", a.bodies[0])
	}
}

func TestLastDaysAreDaysOfUTC(t *testing.T) {
	at := time.Date(2026, time.October, 20, 1, 0, 0, 0, time.FixedZone("", 9*3600))
	if got, want := lastDays(at, 1).days(), []string{"2026-10-18"}; !slices.Equal(got, want) {
		t.Errorf("days %q, want %q", got, want)
	}
}
