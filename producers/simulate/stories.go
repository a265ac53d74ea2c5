package simulate

import (
	"time"

	"github.com/aws/smithy-go"

	"github.com/hubspoke/observability/lib/schema"
)

// Stories of single accounts, which views tell. They are there if the organisation is large
// enough to have the account.
const (
	accountWithoutRootMFA = "payments-development" // its root user has no second factor
	accountFallingSilent  = "payments-sandbox"     // its spoke stops
	accountDenied         = "checkout-sandbox"     // its role may not read one category
	deniedCategory        = "inspector_findings"
)

// silentAfter is when the spoke of accountFallingSilent stops.
const silentAfter = time.Minute

// rootMFA reports whether the root user of the account has a second factor.
func (g *gen) rootMFA() bool { return g.account.Name != accountWithoutRootMFA }

// SilentAfter returns how long after its start the spoke of an account stops; false if it
// never does.
func (w *World) SilentAfter(account string) (time.Duration, bool) {
	return silentAfter, w.isNamed(account, accountFallingSilent)
}

// Denies reports whether the role of an account may not read a category.
func (w *World) Denies(scope schema.Scope) bool {
	return scope.Category == deniedCategory && w.isNamed(scope.Account, accountDenied)
}

func (w *World) isNamed(account, name string) bool {
	for _, a := range w.accounts {
		if a.ID == account {
			return a.Name == name
		}
	}
	return false
}

// errDenied is what AWS answers to a role that lacks a permission.
var errDenied = &smithy.GenericAPIError{
	Code: "AccessDeniedException", Message: "the role is not authorized to perform this action",
}
