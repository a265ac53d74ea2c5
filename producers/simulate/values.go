package simulate

import (
	"encoding/json"

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
