package schemas

import "github.com/hubspoke/observability/lib/schema"

// AccountContact is one contact of the account: the primary one, whom AWS makes the
// contract with, or an alternate one. Columns come from GetContactInformation and
// GetAlternateContact. Alternate contacts have no address; the primary one has no title
// and no e-mail address. Nearly all columns are personal data: a spoke that must not pass
// them on is started with --personal contact=drop, or without this category.
type AccountContact struct {
	// Which contact it is: PRIMARY, BILLING, OPERATIONS or SECURITY (AlternateContactType).
	ContactType string `col:"contact_type,key"`
	// Name of the person (Name, FullName).
	FullName *string `col:"full_name,personal=contact"`
	// Title of the person (Title). Null for PRIMARY.
	Title *string `col:"title,personal=contact"`
	// E-mail address (EmailAddress). Null for PRIMARY.
	Email *string `col:"email,personal=contact"`
	// Telephone number (PhoneNumber).
	PhoneNumber *string `col:"phone_number,personal=contact"`
	// Company (ContactInformation.CompanyName). Null: none, or an alternate contact.
	CompanyName *string `col:"company_name"`
	// First line of the address (ContactInformation.AddressLine1). Null for alternate contacts, as all of the address.
	AddressLine1 *string `col:"address_line1,personal=contact"`
	// Second line of the address (ContactInformation.AddressLine2). Null: none.
	AddressLine2 *string `col:"address_line2,personal=contact"`
	// Third line of the address (ContactInformation.AddressLine3). Null: none.
	AddressLine3 *string `col:"address_line3,personal=contact"`
	// City (ContactInformation.City).
	City *string `col:"city,personal=contact"`
	// District or county (ContactInformation.DistrictOrCounty). Null: none.
	DistrictOrCounty *string `col:"district_or_county,personal=contact"`
	// State or region of the country (ContactInformation.StateOrRegion). Null: none.
	StateOrRegion *string `col:"state_or_region"`
	// Postal code (ContactInformation.PostalCode).
	PostalCode *string `col:"postal_code,personal=contact"`
	// Country as two letters of ISO 3166 (ContactInformation.CountryCode).
	CountryCode *string `col:"country_code"`
	// Website (ContactInformation.WebsiteUrl). Null: none.
	WebsiteURL *string `col:"website_url"`
}

// AccountContacts is the category "account_contacts": every run reads all contacts of an
// account.
var AccountContacts = schema.Of[AccountContact](schema.Spec{Name: "account_contacts", Mode: schema.Snapshot})
