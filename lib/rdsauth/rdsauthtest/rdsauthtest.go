// Package rdsauthtest stands in for an endpoint of Amazon RDS in tests: TLS with a
// certificate for its address, and logins by tokens of IAM as RDS checks them, in front of
// a real PostgreSQL.
package rdsauthtest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// Config says who may log in.
type Config struct {
	// Backend is the URL of PostgreSQL, as a superuser.
	Backend string
	// Region of the endpoint.
	Region string
	// Credentials that tokens must be signed with. Roles that are members of rds_iam log
	// in with those, and with nothing else.
	Credentials aws.Credentials
	// Passwords of other roles, by name.
	Passwords map[string]string
}

// Endpoint is the stand-in. It ends with the test.
type Endpoint struct {
	// Host and Port that it listens on.
	Host string
	Port uint16
	// RootCert is the file with the authority of its certificate.
	RootCert string

	cfg      Config
	listener net.Listener
	tls      *tls.Config
	logins   atomic.Int64
	running  sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]struct{} // nil: closed
}

// New starts an endpoint.
func New(t testing.TB, cfg Config) *Endpoint {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("rdsauthtest: %v", err)
	}
	address := listener.Addr().(*net.TCPAddr)
	e := &Endpoint{
		Host: address.IP.String(), Port: uint16(address.Port), RootCert: filepath.Join(t.TempDir(), "rds.pem"),
		cfg: cfg, listener: listener, conns: map[net.Conn]struct{}{},
	}
	certificate, err := selfSigned(address.IP)
	if err != nil {
		t.Fatalf("rdsauthtest: %v", err)
	}
	e.tls = &tls.Config{Certificates: []tls.Certificate{certificate}}
	root := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]})
	if err := os.WriteFile(e.RootCert, root, 0o600); err != nil {
		t.Fatalf("rdsauthtest: %v", err)
	}
	e.running.Go(e.accept)
	t.Cleanup(e.close)
	return e
}

// URL is that of a role and database, without a password. Its TLS is verified in full.
func (e *Endpoint) URL(role, database string) string {
	return fmt.Sprintf("postgres://%s@%s:%d/%s?sslmode=verify-full&sslrootcert=%s", url.PathEscape(role), e.Host, e.Port,
		database, url.QueryEscape(e.RootCert))
}

// Logins is how many logins by token there were.
func (e *Endpoint) Logins() int64 { return e.logins.Load() }

func selfSigned(ip net.IP) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "endpoint"}, IPAddresses: []net.IP{ip},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}

func (e *Endpoint) close() {
	e.listener.Close()
	e.mu.Lock()
	for conn := range e.conns {
		conn.Close()
	}
	e.conns = nil
	e.mu.Unlock()
	e.running.Wait()
}

func (e *Endpoint) accept() {
	for {
		conn, err := e.listener.Accept()
		if err != nil {
			return
		}
		if e.keep(conn) {
			e.running.Go(func() { e.serve(conn) })
		}
	}
}

// keep has the connection closed with the endpoint. It reports whether that is open.
func (e *Endpoint) keep(conn net.Conn) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.conns == nil {
		conn.Close()
		return false
	}
	e.conns[conn] = struct{}{}
	return true
}

func (e *Endpoint) drop(conn net.Conn) {
	conn.Close()
	e.mu.Lock()
	delete(e.conns, conn)
	e.mu.Unlock()
}

// serve lets a client log in, then passes on what both ends say.
func (e *Endpoint) serve(raw net.Conn) {
	defer e.drop(raw)
	client := tls.Server(raw, e.tls)
	front, err := startTLS(raw, client)
	if err != nil {
		return
	}
	message, err := front.ReceiveStartupMessage()
	if err != nil {
		return
	}
	switch m := message.(type) {
	case *pgproto3.CancelRequest:
		e.cancel(m)
	case *pgproto3.StartupMessage:
		backend, err := e.login(front, m.Parameters)
		if err != nil {
			front.Send(&pgproto3.ErrorResponse{Severity: "FATAL", Code: "28000", Message: err.Error()})
			_ = front.Flush() // the client may be gone
			return
		}
		if !e.keep(backend.Conn) {
			return
		}
		defer e.drop(backend.Conn)
		if err := greet(front, backend); err != nil {
			return
		}
		go func() {
			_, _ = io.Copy(backend.Conn, client) // it ends with the other direction
			backend.Conn.Close()
		}()
		_, _ = io.Copy(client, backend.Conn)
	}
}

// startTLS answers a client's request for TLS, which it must begin with.
func startTLS(raw net.Conn, client net.Conn) (*pgproto3.Backend, error) {
	message, err := pgproto3.NewBackend(raw, raw).ReceiveStartupMessage()
	if err != nil {
		return nil, err
	}
	if _, ok := message.(*pgproto3.SSLRequest); !ok {
		return nil, errors.New("no TLS")
	}
	if _, err := raw.Write([]byte("S")); err != nil {
		return nil, err
	}
	return pgproto3.NewBackend(client, client), nil
}

// cancel passes on what cancels a query.
func (e *Endpoint) cancel(m *pgproto3.CancelRequest) {
	cfg, err := pgconn.ParseConfig(e.cfg.Backend)
	if err != nil {
		return
	}
	conn, err := net.Dial("tcp", net.JoinHostPort(cfg.Host, fmt.Sprint(cfg.Port)))
	if err != nil {
		return
	}
	defer conn.Close()
	if request, err := m.Encode(nil); err == nil {
		_, _ = conn.Write(request) // a request to cancel has no answer either
	}
}

// login asks for what the role must show, and opens a session with the role's rights.
func (e *Endpoint) login(front *pgproto3.Backend, parameters map[string]string) (*pgconn.HijackedConn, error) {
	role := parameters["user"]
	front.Send(&pgproto3.AuthenticationCleartextPassword{})
	if err := front.Flush(); err != nil {
		return nil, err
	}
	if err := front.SetAuthType(pgproto3.AuthTypeCleartextPassword); err != nil {
		return nil, err
	}
	message, err := front.Receive()
	if err != nil {
		return nil, err
	}
	password, ok := message.(*pgproto3.PasswordMessage)
	if !ok {
		return nil, fmt.Errorf("%T in place of a password", message)
	}
	cfg, err := pgconn.ParseConfig(e.cfg.Backend)
	if err != nil {
		return nil, err
	}
	cfg.Database = parameters["database"]
	for name, value := range parameters {
		if name != "user" && name != "database" {
			cfg.RuntimeParams[name] = value
		}
	}
	ctx := context.Background()
	backend, err := pgconn.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if err := e.admit(ctx, backend, role, password.Password); err != nil {
		return nil, errors.Join(err, backend.Close(ctx))
	}
	if err := backend.Exec(ctx, "SET SESSION AUTHORIZATION "+pgx.Identifier{role}.Sanitize()).Close(); err != nil {
		return nil, err
	}
	return backend.Hijack()
}

// admit checks what a role has shown.
func (e *Endpoint) admit(ctx context.Context, backend *pgconn.PgConn, role, password string) error {
	result := backend.ExecParams(ctx, `SELECT pg_has_role(oid, 'rds_iam', 'member') FROM pg_roles
		WHERE rolname = $1 AND rolcanlogin`, [][]byte{[]byte(role)}, nil, nil, nil).Read()
	switch {
	case result.Err != nil:
		return result.Err
	case len(result.Rows) == 0:
		return fmt.Errorf("role %q may not log in", role)
	case string(result.Rows[0][0]) == "t":
		if err := e.checkToken(ctx, role, password); err != nil {
			return fmt.Errorf("PAM authentication failed for user %q: %w", role, err)
		}
		e.logins.Add(1)
		return nil
	case e.cfg.Passwords[role] == "" || e.cfg.Passwords[role] != password:
		return fmt.Errorf("password authentication failed for user %q", role)
	}
	return nil
}

// emptySHA256 is the hash of the body that a token is signed with.
const emptySHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// checkToken makes the token that IAM would, of the time in the given one, and compares.
func (e *Endpoint) checkToken(ctx context.Context, role, token string) error {
	given, err := url.Parse("https://" + token)
	if err != nil {
		return err
	}
	at, err := time.Parse("20060102T150405Z", given.Query().Get("X-Amz-Date"))
	if err != nil {
		return err
	}
	if age := time.Since(at); age < -time.Minute || age > 15*time.Minute {
		return fmt.Errorf("the token is %v old", age)
	}
	query := url.Values{"Action": {"connect"}, "DBUser": {role}, "X-Amz-Expires": {"900"}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet,
		fmt.Sprintf("https://%s:%d?%s", e.Host, e.Port, query.Encode()), nil)
	if err != nil {
		return err
	}
	want, _, err := v4.NewSigner().PresignHTTP(ctx, e.cfg.Credentials, request, emptySHA256, "rds-db", e.cfg.Region, at)
	if err != nil {
		return err
	}
	if "https://"+token != want {
		return fmt.Errorf("the token is not one of %s at %s:%d in %s", role, e.Host, e.Port, e.cfg.Region)
	}
	return nil
}

// greet tells the client that it is in.
func greet(front *pgproto3.Backend, backend *pgconn.HijackedConn) error {
	front.Send(&pgproto3.AuthenticationOk{})
	for name, value := range backend.ParameterStatuses {
		front.Send(&pgproto3.ParameterStatus{Name: name, Value: value})
	}
	front.Send(&pgproto3.BackendKeyData{ProcessID: backend.PID, SecretKey: backend.SecretKey})
	front.Send(&pgproto3.ReadyForQuery{TxStatus: backend.TxStatus})
	return front.Flush()
}
