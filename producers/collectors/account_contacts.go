package collectors

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/account"
	"github.com/aws/aws-sdk-go-v2/service/account/types"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/schemas"
)

// The primary contact and each alternate one is a request, for which AWS charges nothing.
// A contact that nobody named is no row.
//
// Contacts are personal data: names, addresses, telephone numbers. A spoke that is started
// with --personal contact=drop passes none on, nor does one with the other categories alone,
// or with a role without these two permissions.
var AccountContacts = collect.Collector[schemas.AccountContact]{
	Category: schemas.AccountContacts,
	Reach:    collect.Global,
	Every:    24 * time.Hour,
	Calls:    []string{"account:GetContactInformation", "account:GetAlternateContact"},
	Hints: []collect.Hint{
		{Source: "aws.account", Calls: []string{
			"PutContactInformation", "PutAlternateContact", "DeleteAlternateContact",
		}, Only: "us-east-1"},
	},
	Collect: collectAccountContacts,
}

func collectAccountContacts(ctx context.Context, env *collect.Env, emit func(schemas.AccountContact) error) error {
	client := account.NewFromConfig(env.AWS)
	asks := []func() (schemas.AccountContact, error){
		func() (row schemas.AccountContact, err error) {
			answer, err := client.GetContactInformation(ctx, &account.GetContactInformationInput{})
			if err == nil && answer.ContactInformation == nil {
				err = without(answer, "the contact")
			}
			if err != nil {
				return row, err
			}
			return primaryAccountContact(answer.ContactInformation), nil
		},
	}
	for _, kind := range types.AlternateContactType("").Values() {
		asks = append(asks, func() (row schemas.AccountContact, err error) {
			answer, err := client.GetAlternateContact(ctx, &account.GetAlternateContactInput{AlternateContactType: kind})
			if err == nil && answer.AlternateContact == nil {
				err = without(answer, "the contact")
			}
			if err != nil {
				return row, err
			}
			return alternateAccountContact(kind, answer.AlternateContact), nil
		})
	}
	for _, ask := range asks {
		row, err := ask()
		if hasCode(err, "ResourceNotFoundException") {
			continue // nobody named this contact
		}
		if err != nil {
			return err
		}
		if err := emit(row); err != nil {
			return err
		}
	}
	return nil
}

func primaryAccountContact(c *types.ContactInformation) schemas.AccountContact {
	return schemas.AccountContact{
		ContactType:      "PRIMARY",
		FullName:         text(c.FullName),
		PhoneNumber:      text(c.PhoneNumber),
		CompanyName:      text(c.CompanyName),
		AddressLine1:     text(c.AddressLine1),
		AddressLine2:     text(c.AddressLine2),
		AddressLine3:     text(c.AddressLine3),
		City:             text(c.City),
		DistrictOrCounty: text(c.DistrictOrCounty),
		StateOrRegion:    text(c.StateOrRegion),
		PostalCode:       text(c.PostalCode),
		CountryCode:      text(c.CountryCode),
		WebsiteURL:       text(c.WebsiteUrl),
	}
}

func alternateAccountContact(kind types.AlternateContactType, c *types.AlternateContact) schemas.AccountContact {
	return schemas.AccountContact{
		ContactType: string(kind),
		FullName:    text(c.Name),
		Title:       text(c.Title),
		Email:       text(c.EmailAddress),
		PhoneNumber: text(c.PhoneNumber),
	}
}
