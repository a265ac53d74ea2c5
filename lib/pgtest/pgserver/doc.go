// Package pgserver runs a private PostgreSQL server from the binaries that are
// installed on the machine: for tests, and for a demo that needs a database
// without asking for one.
//
// The server listens on 127.0.0.1 only, with a random password, so that other
// users of the machine cannot get in. It is a child of the calling process and
// ends with it, also when that process is killed. PostgreSQL refuses to run as
// root; a caller that is root gets a server that runs as the user postgres, or
// nobody where that user does not exist.
//
// Kill, StopImmediate and Restart make a server fail on purpose.
//
// The package does not import testing; tests use package pgtest, which builds
// on it.
package pgserver
