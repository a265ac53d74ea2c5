package awsfake

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// Config says how a Server behaves. The zero value is ready to use.
type Config struct {
	// Addr is the loopback address to listen on, as host:port. Defaults to 127.0.0.1:0, a free port.
	Addr string
	// Region is the region that Environment gives. Defaults to us-east-1. The server itself answers for every region.
	Region string
	// Roles are the roles that AssumeRole hands out credentials for. Defaults to none.
	Roles []Role
	// ShardLimits enforces the throughput of a shard: 1 MiB/s and 1,000 records/s in, 2 MiB/s and 5 calls/s out.
	// Defaults to no limits.
	ShardLimits bool
	// Now is the clock of all services: arrival times, retention, expiry of iterators and credentials.
	// Defaults to time.Now. It is called concurrently.
	Now func() time.Time
	// Seed makes the choices of faults with a probability repeatable. Defaults to 0, which is a seed like any other.
	Seed int64
	// Log receives one debug line per call. Defaults to nothing.
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	if c.Addr == "" {
		c.Addr = "127.0.0.1:0"
	}
	if c.Region == "" {
		c.Region = "us-east-1"
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func (c Config) validate() error {
	var errs []error
	if a, err := net.ResolveTCPAddr("tcp", c.Addr); err != nil {
		errs = append(errs, fmt.Errorf("config: Addr: %w", err))
	} else if !a.IP.IsLoopback() {
		errs = append(errs, fmt.Errorf("config: Addr %q is not a loopback address: nothing here is protected", c.Addr))
	}
	for _, r := range c.Roles {
		if _, err := parseRoleARN(r.ARN); err != nil {
			errs = append(errs, fmt.Errorf("config: Roles: %w", err))
		}
	}
	return errors.Join(errs...)
}

// Server is a running stand-in for AWS. All methods may be called concurrently. The caller of New calls Close.
type Server struct {
	cfg      Config
	listener net.Listener
	http     *http.Server
	client   *http.Client
	running  sync.WaitGroup // the accept loop and the calls in progress

	mu     sync.Mutex
	closed bool

	calls    *callCounter
	faults   *faultList
	kinesis  *kinesis
	dynamodb *dynamodb
	sqs      *sqs
	sts      *sts
	s3       *s3
}

// New starts a server.
func New(cfg Config) (*Server, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("awsfake: %w", err)
	}
	l, err := net.Listen("tcp", cfg.Addr)
	if err != nil {
		return nil, fmt.Errorf("awsfake: %w", err)
	}
	k, err := newKinesis(cfg.Now, cfg.ShardLimits)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("awsfake: %w", err), l.Close())
	}
	s := &Server{
		cfg:      cfg,
		listener: l,
		client:   &http.Client{Transport: plainBody{&http.Transport{MaxIdleConnsPerHost: 64}}},
		calls:    newCallCounter(),
		faults:   newFaultList(cfg.Seed),
		kinesis:  k,
		dynamodb: newDynamoDB(cfg.Now),
		sqs:      newSQS(cfg.Now),
		sts:      newSTS(cfg.Now, cfg.Roles),
		s3:       newS3(cfg.Now),
	}
	s.http = &http.Server{Handler: http.HandlerFunc(s.serve),
		ErrorLog: slog.NewLogLogger(cfg.Logger.Handler(), slog.LevelDebug)}
	s.running.Go(func() {
		if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			cfg.Logger.Error("awsfake stopped serving", "error", err)
		}
	})
	return s, nil
}

// Close stops the server, cuts every connection, releases the calls that a fault holds, and waits until all calls
// have ended. Everything stored is gone. Closing again does nothing.
func (s *Server) Close() error {
	s.mu.Lock()
	first := !s.closed
	s.closed = true
	s.mu.Unlock()
	if !first {
		return nil
	}
	err := s.http.Close()
	s.running.Wait()
	return err
}

// URL is the endpoint for all services, such as http://127.0.0.1:41234.
func (s *Server) URL() string { return "http://" + s.listener.Addr().String() }

// Environment gives the settings, as NAME=value, that send any AWS SDK, and any program that uses one, to this server
// as the given account (12 digits). They fit exec.Cmd.Env after os.Environ().
func (s *Server) Environment(account string) []string {
	return []string{
		"AWS_ENDPOINT_URL=" + s.URL(),
		"AWS_ACCESS_KEY_ID=" + accessKey(account),
		"AWS_SECRET_ACCESS_KEY=" + secretKey,
		"AWS_SESSION_TOKEN=",
		"AWS_REGION=" + s.cfg.Region,
		"AWS_DEFAULT_REGION=" + s.cfg.Region,
		"AWS_EC2_METADATA_DISABLED=true",
		// gofakes3 sends no checksums, and the SDK would warn about each answer.
		"AWS_RESPONSE_CHECKSUM_VALIDATION=when_required",
	}
}

// AWSConfig is the configuration that sends the SDK's clients to this server as the given account (12 digits) and
// region. Retries are the SDK's own. Its connections belong to the server and end with Close.
func (s *Server) AWSConfig(account, region string) aws.Config {
	return aws.Config{
		Region:                     region,
		BaseEndpoint:               aws.String(s.URL()),
		Credentials:                credentials.NewStaticCredentialsProvider(accessKey(account), secretKey, ""),
		HTTPClient:                 s.client,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenRequired,
	}
}

// plainBody hides from net/http that the SDK's request bodies can write themselves. The SDK closes a body as soon as
// the
// answer begins, and a closed one fails with io.EOF when net/http, a moment later, looks whether anything is left in
// it.
// net/http then drops the connection, and the answer with it; on loopback that is often enough to disturb tests.
type plainBody struct{ next http.RoundTripper }

// RoundTrip is that of next.
func (p plainBody) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil && r.Body != http.NoBody {
		r = r.WithContext(r.Context()) // a copy: a RoundTripper must not change its request
		r.Body = struct{ io.ReadCloser }{r.Body}
	}
	return p.next.RoundTrip(r)
}

// Calls counts the calls that arrived for an operation, faulty ones and the SDK's retries included. The operation is a
// pattern as in [Fault.Operation].
func (s *Server) Calls(operation string) int { return s.calls.count(operation) }

// maxBody is above every limit of the services, so that they can refuse what is too large themselves.
const maxBody = 64 << 20

// begin registers a call as running, unless the server is being closed.
func (s *Server) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.running.Add(1)
	return true
}

// serve finds out what is called by whom, lets the faults have their say, and passes the call on.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if !s.begin() {
		panic(http.ErrAbortHandler)
	}
	defer s.running.Done()

	c, err := s.identify(r)
	if err != nil {
		writeError(w, c, err)
		return
	}
	s.calls.add(c.Operation)
	c.effect, c.injection = s.faults.choose(&c.Call)
	s.cfg.Logger.Debug("call", "operation", c.Operation, "account", c.Account, "fault", c.effect)
	s.affect(w, r, c)
}

// affect does what the chosen fault says, or just answers.
func (s *Server) affect(w http.ResponseWriter, r *http.Request, c *call) {
	switch c.effect {
	case Throttle, ServerError, Deny:
		c.injection.confirm()
		// S3 clients send the whole body before they read; an early answer would look like a cut connection.
		_, _ = io.Copy(io.Discard, r.Body)
		writeError(w, c, serviceError(c))
	case Reset:
		c.injection.confirm()
		reset(w)
	case BlackHole:
		c.injection.confirm()
		_, _ = io.Copy(io.Discard, r.Body) // only then does net/http notice that the connection is gone
		<-r.Context().Done()               // the client left, or the server is being closed
		reset(w)
	case LostAnswer:
		s.answer(&lostAnswer{header: http.Header{}}, r, c)
		c.injection.confirm()
		reset(w)
	default:
		s.answer(w, r, c)
		if c.effect != none && !c.affected {
			c.injection.release()
		}
	}
}

// answer passes the call to its service.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, c *call) {
	switch c.service {
	case s3Service:
		s.s3.ServeHTTP(w, r)
	case stsService:
		writeXML(w, c, s.sts.do)
	case kinesisService:
		writeJSON(w, c, s.kinesis.do)
	case dynamodbService:
		writeJSON(w, c, s.dynamodb.do)
	case sqsService:
		writeJSON(w, c, func(c *call) (any, error) { return s.sqs.do(r.Context(), c) })
	}
}

// reset ends the connection with a TCP reset, so that the client sees a failure and not an end.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	conn.Close()
}

// lostAnswer takes an answer that nobody gets.
type lostAnswer struct{ header http.Header }

func (l *lostAnswer) Header() http.Header         { return l.header }
func (l *lostAnswer) Write(b []byte) (int, error) { return len(b), nil }
func (l *lostAnswer) WriteHeader(int)             {}

func readBody(r *http.Request) ([]byte, error) {
	if r.ContentLength > maxBody {
		return nil, &apiError{status: http.StatusRequestEntityTooLarge, code: "RequestEntityTooLargeException",
			message: "Request body is too large."}
	}
	b := make([]byte, 0, max(r.ContentLength, 0)+1)
	for {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := r.Body.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if errors.Is(err, io.EOF) {
			return b, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading the request: %w", err)
		}
		if len(b) > maxBody {
			return nil, &apiError{status: http.StatusRequestEntityTooLarge, code: "RequestEntityTooLargeException",
				message: "Request body is too large."}
		}
	}
}

// callCounter counts calls by operation.
type callCounter struct {
	mu sync.Mutex
	n  map[string]int
}

func newCallCounter() *callCounter { return &callCounter{n: map[string]int{}} }

func (c *callCounter) add(operation string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n[operation]++
}

func (c *callCounter) count(pattern string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	sum := 0
	for op, n := range c.n {
		if matches(pattern, op) {
			sum += n
		}
	}
	return sum
}
