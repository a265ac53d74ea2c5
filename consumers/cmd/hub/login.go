package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/hubspoke/observability/consumers/dashboard"
	"github.com/hubspoke/observability/consumers/dashboard/access"
	"github.com/hubspoke/observability/internal/program"
)

// loginFlags say how people log in to the dashboard.
type loginFlags struct {
	Auth        string        `enum:"none,alb,oidc" default:"none" placeholder:"HOW" help:"How people log in: none (everybody on this host), alb (an Application Load Balancer has logged them in) or oidc (by a provider of OpenID Connect); default: ${default}."`
	ALBARN      string        `name:"alb-arn" placeholder:"ARN" help:"With --auth alb: the load balancer that is believed."`
	OIDCIssuer  string        `name:"oidc-issuer" placeholder:"URL" help:"Issuer of logins, as its tokens name it."`
	OIDCClient  string        `name:"oidc-client" placeholder:"ID" help:"Client that the issuer knows the dashboard by."`
	GroupsClaim string        `default:"groups" placeholder:"NAME" help:"Claim with the groups of somebody (default: ${default})."`
	ExternalURL string        `name:"external-url" placeholder:"URL" help:"With --auth oidc: address that browsers know the dashboard by."`
	Session     time.Duration `default:"8h" help:"With --auth oidc: how long somebody stays logged in (default: ${default})."`
}

// Variables with secrets: flags show in the list of processes.
const (
	secretVariable = "HUB_OIDC_SECRET"
	keyVariable    = "HUB_SESSION_KEY"
)

// maxSession is how long a session may last: nobody asks the provider again meanwhile.
const maxSession = 7 * 24 * time.Hour

// validate returns all faults of the flags.
func (f loginFlags) validate(addr string) error {
	var faults []error
	need := func(flag, value string) {
		if value == "" {
			faults = append(faults, fmt.Errorf("--auth %s needs --%s", f.Auth, flag))
		}
	}
	refuse := func(flag, value string) {
		if value != "" {
			faults = append(faults, fmt.Errorf("--%s is not for --auth %s", flag, f.Auth))
		}
	}
	if f.Auth == "none" {
		refuse("oidc-issuer", f.OIDCIssuer)
		refuse("oidc-client", f.OIDCClient)
		faults = append(faults, requireLoopback(addr))
	} else {
		need("oidc-issuer", f.OIDCIssuer)
		need("oidc-client", f.OIDCClient)
	}
	if f.Auth == "alb" {
		need("alb-arn", f.ALBARN)
	} else {
		refuse("alb-arn", f.ALBARN)
	}
	if f.Auth == "oidc" {
		need("external-url", f.ExternalURL)
		faults = append(faults, requireOrigin("external-url", f.ExternalURL), requireTLS("oidc-issuer", f.OIDCIssuer))
		if f.Session < time.Minute || f.Session > maxSession {
			faults = append(faults, fmt.Errorf("--session %v: from 1m to %v", f.Session, maxSession))
		}
	} else {
		refuse("external-url", f.ExternalURL)
	}
	if err := errors.Join(faults...); err != nil {
		return program.Usagef("%w", err)
	}
	return nil
}

// requireOrigin refuses addresses with more than scheme and host.
func requireOrigin(flag, address string) error {
	u, err := url.Parse(address)
	if address != "" && (err != nil || u.Host == "" || address != u.Scheme+"://"+u.Host) {
		return fmt.Errorf("--%s %s: write it as https://dashboard.example.com, without a path", flag, address)
	}
	return requireTLS(flag, address)
}

// requireTLS refuses addresses that others could listen to, but for those of this host.
func requireTLS(flag, address string) error {
	u, err := url.Parse(address)
	if address == "" || err == nil && u.Scheme == "https" && u.Host != "" {
		return nil
	}
	if err == nil && u.Scheme == "http" {
		ip, err := netip.ParseAddr(u.Hostname())
		if u.Hostname() == "localhost" || err == nil && ip.IsLoopback() {
			return nil
		}
	}
	return fmt.Errorf("--%s %s: it must begin with https://", flag, address)
}

// gate returns who finds out who asks; nil is everybody on this host. It makes sure that the
// user of the database may read the views as the gate needs it.
func (f loginFlags) gate(ctx context.Context, pool *pgxpool.Pool, log *slog.Logger) (access.Gate, error) {
	if err := requireViews(ctx, pool, f.Auth != "none"); err != nil || f.Auth == "none" {
		return nil, err
	}
	if f.Auth == "alb" {
		gate, err := access.NewALB(access.ALBConfig{ARN: f.ALBARN, Issuer: f.OIDCIssuer, Client: f.OIDCClient,
			GroupsClaim: f.GroupsClaim})
		if err != nil {
			return nil, program.Usagef("--auth alb: %w", err)
		}
		return gate, nil
	}
	key, err := sessionKey(os.Getenv(keyVariable), log)
	if err != nil {
		return nil, err
	}
	gate, err := access.NewOIDC(ctx, access.OIDCConfig{
		Issuer: f.OIDCIssuer, Client: f.OIDCClient, Secret: os.Getenv(secretVariable), ExternalURL: f.ExternalURL,
		GroupsClaim: f.GroupsClaim, Session: f.Session, Key: key, Log: log,
		Named: func(ctx context.Context, principals []string) ([]string, error) {
			return dashboard.Named(ctx, pool, principals)
		},
	})
	if err != nil {
		return nil, fmt.Errorf("--auth oidc: %w; does --oidc-issuer name the issuer, and may this host reach it?", err)
	}
	return gate, nil
}

// sessionKey decodes the key of the sessions, or makes one.
func sessionKey(text string, log *slog.Logger) ([]byte, error) {
	if text == "" {
		log.Warn("sessions end with this process, and no other process knows them", "next",
			"set "+keyVariable+" to what openssl rand -base64 32 prints")
		key := make([]byte, access.KeySize)
		rand.Read(key)
		return key, nil
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	switch {
	case err != nil: // the text is secret
		return nil, program.Usagef("%s is no base64: make one with openssl rand -base64 %d", keyVariable, access.KeySize)
	case len(key) != access.KeySize:
		return nil, program.Usagef("%s has %d bytes, want %d: make one with openssl rand -base64 %[3]d", keyVariable,
			len(key), access.KeySize)
	}
	return key, nil
}
