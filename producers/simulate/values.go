package simulate

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/hubspoke/observability/lib/schema"
)

// jsonOf returns v as JSON.
func jsonOf(v any) schema.JSON {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // maps, slices and texts of this package
	}
	return b
}

// daysBefore returns the n days that end with the one before start, the slices of a
// category by day.
func daysBefore(start time.Time, n int) []string {
	last := schema.DateOf(start) - 1
	var days []string
	for day := last - schema.Date(n) + 1; day <= last; day++ {
		days = append(days, day.String())
	}
	return days
}

// many calls f n times.
func many[T any](n int, f func() T) []T {
	list := make([]T, n)
	for i := range list {
		list[i] = f()
	}
	return list
}

// dashed writes an IPv4 address as it appears in a DNS name.
func dashed(ip string) string {
	b := []byte(ip)
	for i := range b {
		if b[i] == '.' {
			b[i] = '-'
		}
	}
	return string(b)
}

// decimal returns an amount with ten digits behind the point, as Cost Explorer
// reports them.
func decimal(v float64) schema.Decimal {
	d, err := schema.ParseDecimal(fmt.Sprintf("%.10f", v))
	if err != nil {
		panic(err) // no amount of this package is that large
	}
	return d
}

// decimalFloat returns an amount that a sum or a share is computed of.
func decimalFloat(d schema.Decimal) float64 {
	f, err := strconv.ParseFloat(d.String(), 64)
	if err != nil {
		panic(err) // a decimal is a number
	}
	return f
}
