package simulate

import (
	"strings"

	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/schemas"
)

// The account itself is one row. Its labels are the two words of its name; some accounts
// have an older spoke, and the sandboxes may not be asked for everything.
var accounts = kind[schemas.Account]{
	of:    collectors.Accounts,
	make:  newAccount,
	fixed: true,
}

// accountOrganization is the organisation that all accounts are in.
const accountOrganization = "o-a1b2c3d4e5"

func newAccount(g *gen) schemas.Account {
	product, environment, _ := strings.Cut(g.account.Name, "-")
	a := schemas.Account{
		ReportedAccountID:      g.account.ID,
		AccountName:            &g.account.Name,
		AccountState:           new("ACTIVE"),
		AccountCreatedAt:       new(g.start.Add(-3 * year)),
		Partition:              "aws",
		OrganizationID:         new(accountOrganization),
		OrganizationFeatureSet: new("ALL"),
		ManagementAccountID:    &g.accounts[0].ID,
		Labels: jsonOf(map[string]string{
			"product": product, "environment": environment, "customer": pick(g, "ACME", "Globex"),
		}),
		SpokeVersion: new(pick(g, "1.4.2", "1.4.2", "1.4.2", "1.4.0")),
	}
	switch {
	case environment == "sandbox":
		a.DeniedActions = jsonOf([]string{"iam:ListAccountAliases"})
	case g.chance(0.7):
		a.AccountAlias = new("example-" + g.account.Name)
	}
	return a
}
