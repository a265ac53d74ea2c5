package schemas

import "github.com/hubspoke/observability/lib/schema"

// AccountContact is one contact of the account: the primary one, whom AWS makes the
// contract with, or an alternate one. Columns come from GetContactInformation and
// GetAlternateContact. Alternate contacts have no address; the primary one has no title
// and no e-mail address. Nearly all columns are personal data: a spoke that must not pass
// them on collects without this category.
type AccountContact struct {
	// Which contact it is: PRIMARY, BILLING, OPERATIONS or SECURITY (AlternateContactType).
	ContactType string `col:"contact_type,key"`
	// Name of the person (Name, FullName). Personal data.
	FullName *string `col:"full_name"`
	// Title of the person (Title). Null for PRIMARY. Personal data.
	Title *string `col:"title"`
	// E-mail address (EmailAddress). Null for PRIMARY. Personal data.
	Email *string `col:"email"`
	// Telephone number (PhoneNumber). Personal data.
	PhoneNumber *string `col:"phone_number"`
	// Company (ContactInformation.CompanyName). Null: none, or an alternate contact.
	CompanyName *string `col:"company_name"`
	// First line of the address (ContactInformation.AddressLine1). Null for alternate contacts, as all of the address.
	// Personal data.
	AddressLine1 *string `col:"address_line1"`
	// Second line of the address (ContactInformation.AddressLine2). Null: none. Personal data.
	AddressLine2 *string `col:"address_line2"`
	// Third line of the address (ContactInformation.AddressLine3). Null: none. Personal data.
	AddressLine3 *string `col:"address_line3"`
	// City (ContactInformation.City). Personal data.
	City *string `col:"city"`
	// District or county (ContactInformation.DistrictOrCounty). Null: none. Personal data.
	DistrictOrCounty *string `col:"district_or_county"`
	// State or region of the country (ContactInformation.StateOrRegion). Null: none.
	StateOrRegion *string `col:"state_or_region"`
	// Postal code (ContactInformation.PostalCode). Personal data.
	PostalCode *string `col:"postal_code"`
	// Country as two letters of ISO 3166 (ContactInformation.CountryCode).
	CountryCode *string `col:"country_code"`
	// Website (ContactInformation.WebsiteUrl). Null: none.
	WebsiteURL *string `col:"website_url"`
}

// AccountContacts is the category "account_contacts": every run reads all contacts of an
// account.
var AccountContacts = schema.Of[AccountContact](schema.Spec{Name: "account_contacts", Mode: schema.Snapshot})
