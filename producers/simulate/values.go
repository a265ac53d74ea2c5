package simulate

import (
	"encoding/json"
	"fmt"

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
