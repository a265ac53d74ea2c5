package simulate

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/schemas"
)

// The first account manages the organisation, and sees all accounts of it: those that have
// a spoke, and some that have none.
var organizationAccounts = kind[schemas.OrganizationAccount]{
	of:      collectors.OrganizationAccounts,
	make:    newOrganizationAccount,
	initial: initialOrganizationAccounts,
	births:  0.005,
	change:  changeOrganizationAccount,
	enabled: func(w *World, here place) bool { return here.account.ID == w.accounts[0].ID },
}

// organizationAccountUnits are the organizational units, by the environment in the name of an account.
var organizationAccountUnits = map[string]struct{ id, path string }{
	"production":  {"ou-ab12-10000001", "Workloads/Production"},
	"staging":     {"ou-ab12-10000002", "Workloads/Staging"},
	"development": {"ou-ab12-10000003", "Workloads/Development"},
	"sandbox":     {"ou-ab12-10000004", "Sandbox"},
}

// newOrganizationAccount returns an account without a spoke.
func newOrganizationAccount(g *gen) schemas.OrganizationAccount {
	id := fmt.Sprintf("9%011d", g.Int64N(100_000_000_000))
	a := organizationAccount(g, Account{ID: id, Name: "acquired-" + g.hex(4)})
	a.JoinedMethod = new("INVITED")
	return a
}

func organizationAccount(g *gen, account Account) schemas.OrganizationAccount {
	a := schemas.OrganizationAccount{
		MemberAccountID: account.ID,
		AccountARN: new("arn:aws:organizations::" + g.account.ID + ":account/" + accountOrganization + "/" +
			account.ID),
		AccountName:         &account.Name,
		Email:               new(account.Name + "@example.com"),
		State:               new("ACTIVE"),
		JoinedMethod:        new("CREATED"),
		JoinedAt:            new(g.created(3 * year)),
		OrganizationID:      new(accountOrganization),
		IsManagementAccount: account.ID == g.account.ID,
		Tags:                g.tags(),
	}
	if product, environment, ok := strings.Cut(account.Name, "-"); ok && product != "acquired" {
		a.Tags = jsonOf(map[string]string{
			"product": product, "environment": environment, "customer": pick(g, "ACME", "Globex"),
		})
	}
	if !a.IsManagementAccount { // it is in the root itself
		unit := organizationAccountUnits[account.Name[strings.LastIndex(account.Name, "-")+1:]]
		a.OUID, a.OUPath = new(cmp.Or(unit.id, "ou-ab12-10000005")), new(cmp.Or(unit.path, "Acquired"))
	}
	return a
}

func initialOrganizationAccounts(g *gen) []schemas.OrganizationAccount {
	var list []schemas.OrganizationAccount
	for _, account := range g.accounts {
		list = append(list, organizationAccount(g, account))
	}
	return append(list, many(4, func() schemas.OrganizationAccount { return newOrganizationAccount(g) })...)
}

func changeOrganizationAccount(g *gen, a *schemas.OrganizationAccount) fate {
	acquired := *a.JoinedMethod == "INVITED"
	switch {
	case acquired && *a.State == "SUSPENDED" && g.chance(0.03):
		return gone
	case acquired && *a.State == "ACTIVE" && g.chance(0.01):
		a.State = new("SUSPENDED")
	case g.chance(0.001):
		a.Tags = g.tags()
	default:
		return same
	}
	return changed
}
