package collectors

import (
	"slices"
	"strings"

	"github.com/hubspoke/observability/lib/collect"
)

// ServicesOf returns the services that a collector calls, in the order of Services.
func ServicesOf(d collect.Declaration) []collect.Service {
	return slices.DeleteFunc(Services(), func(s collect.Service) bool {
		return !slices.ContainsFunc(d.Calls, func(call string) bool { return strings.HasPrefix(call, s.Name+":") })
	})
}
