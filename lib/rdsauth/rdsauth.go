// Package rdsauth connects to PostgreSQL on Amazon RDS and Aurora: it logs in with tokens
// of IAM in place of a password ([Login]), and trusts the authorities that sign the
// certificates of RDS ([Trust]), which are part of the program.
package rdsauth

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/rds/auth"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// bundle is what `make authorities` writes.
//
//go:embed authorities.pem
var bundle []byte

// Authorities returns the certificate authorities of Amazon RDS and Aurora as a pool that
// is the caller's to change. They are of all commercial regions that were there in 2022.
// Those of later regions (such as il-central-1, ca-west-1), of China and of GovCloud are
// in the bundles that AWS publishes. An RDS Proxy has certificates of Amazon Trust
// Services instead, which operating systems trust.
func Authorities() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(bundle)
	return pool
}

var (
	// ErrUnverified says that a configuration does not make sure which server answers.
	ErrUnverified = errors.New("TLS is not verified in full: leave sslmode out, or give sslmode=verify-full")
	// ErrPassword says that a configuration has a password where a token takes its place.
	ErrPassword = errors.New("there is a password, and a token of IAM takes its place: take it out of the URL, " +
		"PGPASSWORD and ~/.pgpass")
	// ErrHosts says that a configuration has several hosts, where a token is for one.
	ErrHosts = errors.New("there are several hosts, and a token of IAM is for one: name the endpoint of the cluster")
	// ErrNoRegion says that the region of the database is not known.
	ErrNoRegion = errors.New("the region of the database is not known: name the endpoint that RDS gives, or set " +
		"AWS_REGION")
)

// Trust lets the connections of cfg trust the [Authorities], and nobody else. It returns
// ErrUnverified if they do not verify certificates and the names in them.
func Trust(cfg *pgxpool.Config) error {
	if !verified(cfg) {
		return ErrUnverified
	}
	for _, c := range encryption(cfg) {
		c.RootCAs = Authorities()
	}
	return nil
}

// Login lets the connections of cfg log in with tokens of IAM. A token is made of the
// credentials for each connection, without a request; it is good for 15 minutes, and a
// connection that is made outlives it. Its region is that in the name of the host, else
// that of the credentials' configuration.
//
// It returns ErrUnverified, ErrPassword, ErrHosts or ErrNoRegion, and changes nothing
// then. A BeforeConnect that cfg has is called first. Who connects without a pool calls
// cfg.BeforeConnect.
func Login(cfg *pgxpool.Config, credentials aws.Config) error {
	c := cfg.ConnConfig
	region := Region(c.Host)
	if region == "" {
		region = credentials.Region
	}
	switch {
	case !verified(cfg):
		return ErrUnverified
	case c.Password != "":
		return ErrPassword
	case len(c.Fallbacks) > 0:
		return ErrHosts
	case region == "":
		return ErrNoRegion
	}
	before := cfg.BeforeConnect
	cfg.BeforeConnect = func(ctx context.Context, c *pgx.ConnConfig) error {
		if before != nil {
			if err := before(ctx, c); err != nil {
				return err
			}
		}
		endpoint := net.JoinHostPort(c.Host, strconv.Itoa(int(c.Port)))
		token, err := auth.BuildAuthToken(ctx, endpoint, region, c.User, credentials.Credentials)
		if err != nil {
			return fmt.Errorf("rdsauth: token for %s at %s: %w", c.User, endpoint, err)
		}
		c.Password = token
		return nil
	}
	return nil
}

var endpoint = regexp.MustCompile(`\.([a-z]+(?:-[a-z]+)+-[0-9]+)\.rds\.amazonaws\.com(?:\.cn)?$`)

// Region returns the AWS region in the name of an endpoint of RDS, "" if host is none.
func Region(host string) string {
	if m := endpoint.FindStringSubmatch(host); m != nil {
		return m[1]
	}
	return ""
}

// encryption returns how the hosts that may be connected to are. Nil stands for a
// connection without TLS.
func encryption(cfg *pgxpool.Config) []*tls.Config {
	configs := []*tls.Config{cfg.ConnConfig.TLSConfig}
	for _, other := range cfg.ConnConfig.Fallbacks {
		configs = append(configs, other.TLSConfig)
	}
	return configs
}

// verified reports whether every connection verifies the certificate, and that it is for
// the host.
func verified(cfg *pgxpool.Config) bool {
	for _, c := range encryption(cfg) {
		if c == nil || c.InsecureSkipVerify {
			return false
		}
	}
	return true
}
