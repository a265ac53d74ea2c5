package simulate

import "slices"

// Fixed reports whether the things of a category neither appear nor disappear.
func Fixed(category string) bool {
	return slices.ContainsFunc(kinds(), func(k anyKind) bool { return k.fixedCategory() == category })
}
