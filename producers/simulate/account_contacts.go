package simulate

import (
	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/schemas"
)

// Every account has a primary contact, and some of the alternate ones.
var accountContacts = kind[schemas.AccountContact]{
	of:      collectors.AccountContacts,
	make:    newAccountContact,
	initial: initialAccountContacts,
	births:  0.01,
	change:  changeAccountContact,
}

var accountContactTypes = []string{"BILLING", "OPERATIONS", "SECURITY"}

func newAccountContact(g *gen) schemas.AccountContact {
	return alternateAccountContact(g, pick(g, accountContactTypes...))
}

func alternateAccountContact(g *gen, kind string) schemas.AccountContact {
	team := pick(g, "red", "blue", "green", "core")
	return schemas.AccountContact{
		ContactType: kind,
		FullName:    new("Team " + team),
		Title:       new("Team"),
		Email:       new(team + "@example.com"),
		PhoneNumber: new("+49 30 55501" + pick(g, "00", "01", "02", "03")),
	}
}

func primaryAccountContact(g *gen) schemas.AccountContact {
	return schemas.AccountContact{
		ContactType:      "PRIMARY",
		FullName:         new(pick(g, "Ada Example", "Grace Example")),
		PhoneNumber:      new("+49 30 5550100"),
		CompanyName:      new("Example GmbH"),
		AddressLine1:     new("Example House"),
		AddressLine2:     new("Example Street 1"),
		AddressLine3:     new("Third Floor"),
		City:             new("Berlin"),
		DistrictOrCounty: new("Mitte"),
		StateOrRegion:    new("Berlin"),
		PostalCode:       new("10115"),
		CountryCode:      new("DE"),
		WebsiteURL:       new("https://example.com"),
	}
}

func initialAccountContacts(g *gen) []schemas.AccountContact {
	list := []schemas.AccountContact{primaryAccountContact(g)}
	for _, kind := range accountContactTypes {
		if g.chance(0.6) {
			list = append(list, alternateAccountContact(g, kind))
		}
	}
	return list
}

func changeAccountContact(g *gen, c *schemas.AccountContact) fate {
	switch {
	case c.ContactType == "PRIMARY" && g.chance(0.01):
		*c = primaryAccountContact(g)
	case c.ContactType == "PRIMARY":
		return same
	case g.chance(0.005):
		return gone
	case g.chance(0.01):
		*c = alternateAccountContact(g, c.ContactType)
	default:
		return same
	}
	return changed
}
