package main

import (
	"fmt"
	"slices"
	"testing"

	"github.com/aws/smithy-go"

	"github.com/hubspoke/observability/consumers/verify"
	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/internal/programtest"
	"github.com/hubspoke/observability/schemas"
)

// TestStatusShowsCoverage: what is denied, what never came, and which accounts of the
// organization have no spoke.
func TestStatusShowsCoverage(t *testing.T) {
	w := newWorld(t, 1)
	c := w.consume("--no-refresh")
	denied := &smithy.GenericAPIError{Code: "AccessDeniedException", Message: "no"}
	members := []schemas.OrganizationAccount{{MemberAccountID: "111122223333", IsManagementAccount: true}}
	for i := range 12 {
		members = append(members, schemas.OrganizationAccount{MemberAccountID: fmt.Sprintf("2222333344%02d", i)})
	}
	w.send("111122223333",
		collector(schemas.Certificates, denied), collector(schemas.OrganizationAccounts, nil, members...))
	w.send("222233334400", collector(schemas.Certificates, denied), collector(schemas.Secrets, nil))
	programtest.Eventually(t, "four runs", func() bool {
		return w.count("SELECT count(*) FROM hub.run WHERE outcome IS NOT NULL") == 4
	})
	c.stop(t)

	s := parse[verify.Status](t, hub(t.Context(), "status", "-o", "json").want(t, program.ExitDone))
	find := func(status, category string) verify.Coverage {
		t.Helper()
		i := slices.IndexFunc(s.Coverage, func(c verify.Coverage) bool {
			return c.Status == status && c.Category == category
		})
		if i < 0 {
			t.Fatalf("no %s %s in %+v", status, category, s.Coverage)
		}
		return s.Coverage[i]
	}
	if got := find("denied", "certificates"); got.Accounts != 2 ||
		!slices.Equal(got.AccountIDs, []string{"111122223333", "222233334400"}) {
		t.Errorf("%+v", got)
	}
	if got := find("no spoke", "all"); got.Accounts != 11 || got.AccountIDs[0] != "222233334401" {
		t.Errorf("%+v", got)
	}
	if got := find("never seen", "kms_keys"); got.Accounts != 2 || got.AccountIDs != nil {
		t.Errorf("%+v", got)
	}
	if got := find("fresh", "organization_accounts"); got.Accounts != 1 {
		t.Errorf("%+v", got)
	}
	hub(t.Context(), "status").want(t, program.ExitDone,
		fmt.Sprintf("categories of accounts: 2 fresh, 2 denied, %d never seen", 2*len(schemas.All())-4),
		"denied, by accounts: certificates (2); compare the policy of the spoke with `spoke policy`",
		"11 accounts of the organization have no spoke: 222233334401, 222233334402,",
		"222233334410, and 1 more: see the view coverage; a StackSet leaves out the management account")
}
