package collectors

import (
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/costexplorer/types"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/schema"
)

// Kinds of commitments.
const (
	commitmentReservation = "reservation"
	commitmentSavingsPlan = "savings_plan"
)

// commitmentServices are the services that have reservations, by their names in Cost Explorer.
// A request is about one of them, and about EC2 if it names none.
var commitmentServices = []string{
	"Amazon Elastic Compute Cloud - Compute",
	"Amazon ElastiCache",
	"Amazon OpenSearch Service",
	"Amazon Redshift",
	"Amazon Relational Database Service",
}

// commitmentDays returns so many days that end with the one before yesterday: Cost Explorer
// knows of commitments after one or two days.
func commitmentDays(now time.Time, n int) []schema.Date {
	days := make([]schema.Date, n)
	for i := range days {
		days[i] = schema.DateOf(now.UTC()) - 1 - schema.Date(n-i)
	}
	return days
}

// commitmentSlices returns the days as slices of a category.
func commitmentSlices(days []schema.Date) []string {
	list := make([]string, len(days))
	for i, day := range days {
		list[i] = day.String()
	}
	return list
}

// commitmentPeriod returns the period of days that follow each other.
func commitmentPeriod(days ...schema.Date) *types.DateInterval {
	return &types.DateInterval{
		Start: aws.String(days[0].String()), End: aws.String((days[len(days)-1] + 1).String()),
	}
}

// commitmentsOf limits a request to the reservations of the account itself for a service.
func commitmentsOf(account, service string) *types.Expression {
	return &types.Expression{And: []types.Expression{
		*costsOf(account),
		{Dimensions: &types.DimensionValues{Key: types.DimensionService, Values: []string{service}}},
	}}
}

// commitmentsNone is the code of the answer for an account without commitments: it has no
// rows, and nothing is disabled.
const commitmentsNone = "DataUnavailableException"

// commitmentCurrency returns the currency that a partition bills in.
func commitmentCurrency(env *collect.Env) *string {
	if env.Partition == "aws-cn" {
		return aws.String("CNY")
	}
	return aws.String("USD")
}

// commitmentDay returns the day of an answer.
func commitmentDay(period *types.DateInterval) (schema.Date, error) {
	if period == nil {
		return 0, errors.New("answered without a time period")
	}
	return schema.ParseDate(aws.ToString(period.Start))
}

// isAboveZero reports whether a number that AWS sends as text is above zero.
func isAboveZero(text *string) bool {
	value := textDecimal(text)
	return value != nil && value.Units().Sign() > 0
}
