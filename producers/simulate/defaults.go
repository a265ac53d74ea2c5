package simulate

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/hubspoke/observability/lib/schema"
)

const (
	defaultBirths = 0.001 // in a step, for each thing that was there at the beginning
	defaultChange = 0.001 // probability, in a step
	defaultDeath  = 0.001
	fixedChange   = 0.02
)

// withDefaults fills in what a kind leaves out.
func (k kind[T]) withDefaults() kind[T] {
	if k.old == nil {
		k.old = k.make
	}
	if k.initial == nil {
		k.initial = k.defaultInitial
	}
	if k.births == 0 {
		k.births = defaultBirths
	}
	if k.born == nil {
		k.born = k.defaultBorn
	}
	if k.change == nil {
		k.change = k.defaultChange
	}
	return k
}

func (k kind[T]) defaultInitial(g *gen) []T {
	var list []T
	seen := map[string]bool{}
	for range g.several(k.size) {
		row := k.old(g)
		if key := k.key(&row); !seen[key] {
			seen[key] = true
			list = append(list, row)
		}
	}
	return list
}

func (k kind[T]) defaultBorn(g *gen, there []*T) (T, bool) {
	row := k.make(g)
	key := k.key(&row)
	for _, other := range there {
		if k.key(other) == key {
			return row, false
		}
	}
	return row, true
}

// defaultChange makes another thing of it, with the same key.
func (k kind[T]) defaultChange(g *gen, row *T) fate {
	switch {
	case k.fixed && !g.chance(fixedChange):
		return same
	case !k.fixed && k.of.Category.Mode() == schema.Snapshot && g.chance(defaultDeath):
		return gone
	case !k.fixed && !g.chance(defaultChange):
		return same
	}
	other := k.make(g)
	from, to := reflect.ValueOf(row).Elem(), reflect.ValueOf(&other).Elem()
	for _, column := range k.of.Category.Columns() {
		if column.Key || column.Slice {
			to.Field(column.Field).Set(from.Field(column.Field))
		}
	}
	*row = other
	return changed
}

// key returns the key of a thing as text.
func (k kind[T]) key(row *T) string {
	value := reflect.ValueOf(row).Elem()
	var parts []string
	for _, i := range k.of.Category.Keys() {
		parts = append(parts, fmt.Sprintf("%q", fmt.Sprint(value.Field(k.of.Category.Columns()[i].Field).Interface())))
	}
	return strings.Join(parts, " ")
}
