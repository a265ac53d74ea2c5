package simulate

import (
	"time"

	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/schemas"
)

// A forecast of three months was made on each of the last 30 days.
var costForecasts = kind[schemas.CostForecast]{
	of:   collectors.CostForecasts,
	size: 45,
	make: newCostForecast,
}

func newCostForecast(g *gen) schemas.CostForecast {
	made := g.start.AddDate(0, 0, -g.IntN(30)).UTC()
	month := func(n int) schema.Date {
		return schema.DateOf(time.Date(made.Year(), made.Month()+time.Month(n), 1, 0, 0, 0, 0, time.UTC))
	}
	n := g.IntN(3)
	amount := (900 + 200*g.Float64()) * g.factor
	f := schemas.CostForecast{
		ForecastDate:              schema.DateOf(made),
		Metric:                    "UNBLENDED_COST",
		PeriodStart:               month(n),
		PeriodEnd:                 month(n + 1),
		Granularity:               "MONTHLY",
		MeanCost:                  decimal(amount),
		LowerBound:                new(decimal(amount * 0.9)),
		UpperBound:                new(decimal(amount * 1.1)),
		PredictionIntervalPercent: new(int64(80)),
		Currency:                  new("USD"),
	}
	if n == 0 { // the rest of this month
		f.PeriodStart = f.ForecastDate
	}
	return f
}
