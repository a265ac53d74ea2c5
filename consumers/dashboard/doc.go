// Package dashboard shows the views of the database to people: a read-only web
// application. Its pages are declared in package pages in the words of package page; this
// package asks the database, shows the rows and answers requests.
//
// A page is one transaction, REPEATABLE READ READ ONLY, so that all its numbers are of one
// moment. What somebody chose is in the address, and becomes parameters of constant queries.
//
// Package access finds out who asks. A transaction has the rights of that viewer: the views
// of schema seen, or all of them. Nothing that is kept between requests has rows of somebody.
package dashboard
