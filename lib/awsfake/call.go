package awsfake

import (
	"bytes"
	"cmp"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"hash/crc32"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
)

// Call describes one call to a service, for the conditions of a Fault.
type Call struct {
	// Account and Region of the caller. Empty for unsigned calls to S3.
	Account, Region string
	// Operation is the service and its operation, such as "kinesis:PutRecords" or "s3:GetObject".
	Operation string
	// Path is the path of the request; for S3 it is /bucket/key.
	Path string
	// Body is what was sent, for Kinesis, DynamoDB and SQS a JSON document, for STS a form, nil for S3.
	// It must not be changed.
	Body []byte
	// N numbers the calls that one Fault applies to, from 1.
	N int
}

const (
	kinesisService  = "kinesis"
	dynamodbService = "dynamodb"
	sqsService      = "sqs"
	stsService      = "sts"
	s3Service       = "s3"
)

// call is a call together with what only the server needs.
type call struct {
	Call
	service, action string
	form            url.Values // what was sent to STS
	user            string     // ARN of the caller, as errors name it
	role            string     // ARN of the caller's role, "" for a user

	effect    Effect
	injection *Injection
	affected  bool
}

// apply reports whether the call is to have the effect, and counts it as injected if so.
func (c *call) apply(e Effect) bool {
	if c.effect != e {
		return false
	}
	c.affected = true
	c.injection.confirm()
	return true
}

const secretKey = "awsfake-secret"

func accessKey(account string) string { return "AKIA" + account }

var (
	credential     = regexp.MustCompile(`Credential=(\w+)/\d+/([\w-]+)/(\w+)/aws4_request`)
	accountOfKey   = regexp.MustCompile(`^(?:AKIA|ASIA)?(\d{12})\w*$`)
	errNoSignature = &apiError{status: http.StatusForbidden, code: "MissingAuthenticationTokenException",
		message: "Missing Authentication Token"}
)

// identify finds the service and operation of a request, and who calls.
func (s *Server) identify(r *http.Request) (*call, error) {
	c := &call{Call: Call{Path: r.URL.Path}}
	target := r.Header.Get("X-Amz-Target")
	signed := credential.FindStringSubmatch(r.Header.Get("Authorization"))
	if signed == nil {
		if q := r.URL.Query().Get("X-Amz-Credential"); q != "" {
			signed = credential.FindStringSubmatch("Credential=" + q)
		}
	}
	var key, signedFor string
	if signed != nil {
		key, c.Region, signedFor = signed[1], signed[2], signed[3]
	}

	prefix, action, _ := strings.Cut(target, ".")
	switch {
	case strings.HasPrefix(prefix, "Kinesis_"):
		c.service, c.action = kinesisService, action
	case strings.HasPrefix(prefix, "DynamoDB_"):
		c.service, c.action = dynamodbService, action
	case prefix == "AmazonSQS":
		c.service, c.action = sqsService, action
	case target != "":
		return c, invalid("UnknownOperationException",
			"awsfake stands in for Kinesis, DynamoDB, SQS, STS and S3; %s is not offered", target)
	case signedFor == stsService:
		c.service = stsService
	case signedFor == s3Service || signedFor == "":
		c.service, c.action = s3Service, s3Operation(r)
	default:
		return c, invalid("UnknownOperationException",
			"awsfake stands in for Kinesis, DynamoDB, SQS, STS and S3; the service %q is not offered", signedFor)
	}
	if c.service != s3Service {
		var err error
		if c.Body, err = readBody(r); err != nil {
			return c, err
		}
	}
	if c.service == stsService {
		form, err := url.ParseQuery(string(c.Body))
		if err != nil {
			return c, invalid("MalformedInput", "%v", err)
		}
		c.form, c.action = form, form.Get("Action")
	}
	c.Operation = c.service + ":" + c.action

	if c.service == s3Service && key == "" {
		return c, nil // S3 has anonymous callers
	}
	if key == "" {
		return c, errNoSignature
	}
	return c, s.authenticate(c, key, r.Header.Get("X-Amz-Security-Token"))
}

// authenticate finds the account and the ARN behind an access key.
func (s *Server) authenticate(c *call, key, token string) error {
	m := accountOfKey.FindStringSubmatch(key)
	if m == nil {
		return invalidToken(c)
	}
	c.Account = m[1]
	c.user = "arn:aws:iam::" + c.Account + ":user/awsfake"
	if strings.HasPrefix(key, "ASIA") {
		session, err := s.sts.session(key, token)
		if err != nil {
			if errors.Is(err, errExpiredSession) {
				return expiredToken(c)
			}
			return invalidToken(c)
		}
		c.user, c.role = session.arn, session.role
	}
	return nil
}

// invalidToken is each service's error for credentials that do not exist.
func invalidToken(c *call) error {
	switch c.service {
	case stsService:
		return &apiError{status: http.StatusForbidden, code: "InvalidClientTokenId",
			message: "The security token included in the request is invalid"}
	case s3Service:
		return &apiError{status: http.StatusForbidden, code: "InvalidAccessKeyId",
			message: "The AWS Access Key Id you provided does not exist in our records."}
	}
	return invalid("UnrecognizedClientException", "The security token included in the request is invalid.")
}

// expiredToken is each service's error for credentials that have expired.
func expiredToken(c *call) error {
	const message = "The security token included in the request is expired"
	switch c.service {
	case stsService:
		return &apiError{status: http.StatusForbidden, code: "ExpiredToken", message: message}
	case s3Service:
		return invalid("ExpiredToken", "The provided token has expired.")
	}
	return invalid("ExpiredTokenException", message)
}

// apiError is an error as AWS answers it.
type apiError struct {
	status  int
	code    string
	message string
	fields  map[string]any // further members of the JSON answer
}

func (e *apiError) Error() string { return e.code + ": " + e.message }

// invalid is an error of the caller: HTTP status 400.
func invalid(code, format string, args ...any) *apiError {
	return &apiError{status: http.StatusBadRequest, code: code, message: fmt.Sprintf(format, args...)}
}

func unknownOperation(c *call) error {
	return invalid("UnknownOperationException", "awsfake does not implement %s", c.Operation)
}

// serviceError is the error that the call's service uses for an injected effect.
func serviceError(c *call) *apiError {
	switch c.effect {
	case Throttle:
		switch c.service {
		case s3Service:
			return &apiError{status: http.StatusServiceUnavailable, code: "SlowDown",
				message: "Please reduce your request rate."}
		case stsService:
			return invalid("Throttling", "Rate exceeded")
		case dynamodbService:
			return invalid("ProvisionedThroughputExceededException", "The level of configured provisioned throughput for the "+
				"table was exceeded. Consider increasing your provisioning level with the UpdateTable API.")
		case sqsService:
			return invalid("RequestThrottled", "Rate exceeded")
		}
		if kinesisDataOperations[c.action] {
			return invalid("ProvisionedThroughputExceededException", "Rate exceeded for shard in stream under account %s.",
				c.Account)
		}
		return invalid("LimitExceededException", "Rate exceeded for stream under account %s.", c.Account)
	case Deny:
		e := invalid("AccessDeniedException", "User: %s is not authorized to perform: %s", c.user, c.Operation)
		switch c.service {
		case s3Service, stsService:
			e.status, e.code = http.StatusForbidden, "AccessDenied"
		case sqsService:
			e.status = http.StatusForbidden
		}
		if c.service == s3Service {
			e.message = "Access Denied"
		}
		return e
	}
	e := &apiError{status: http.StatusInternalServerError, code: "InternalFailure",
		message: "The request processing has failed because of an unknown error, exception or failure."}
	switch c.service {
	case s3Service:
		e.code, e.message = "InternalError", "We encountered an internal error. Please try again."
	case dynamodbService:
		e.code, e.message = "InternalServerError", "Internal server error"
	}
	return e
}

// requests numbers the answers of the process.
var requests atomic.Uint64

func requestID() string { return fmt.Sprintf("awsfake0-0000-0000-0000-%012d", requests.Add(1)) }

// writeError answers with an error in the form of the call's service.
func writeError(w http.ResponseWriter, c *call, err error) {
	var e *apiError
	if !errors.As(err, &e) {
		e = &apiError{status: http.StatusInternalServerError, code: "InternalFailure", message: err.Error()}
	}
	id := requestID()
	switch c.service {
	case stsService:
		send(w, e.status, "text/xml", id, fmt.Appendf(nil,
			`<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>%s</Type><Code>%s</Code><Message>%s</Message></Error><RequestId>%s</RequestId></ErrorResponse>`,
			faultOf(e), escape(e.code), escape(e.message), id))
	case s3Service:
		send(w, e.status, "application/xml", id, fmt.Appendf(nil,
			xml.Header+`<Error><Code>%s</Code><Message>%s</Message><RequestId>%s</RequestId></Error>`, escape(e.code),
			escape(e.message), id))
	default:
		body := map[string]any{"message": e.message}
		for k, v := range e.fields {
			body[k] = v
		}
		contentType := "application/x-amz-json-1.1"
		body["__type"] = e.code
		switch c.service {
		case dynamodbService:
			contentType = "application/x-amz-json-1.0"
			body["__type"] = "com.amazonaws.dynamodb.v20120810#" + e.code
		case sqsService:
			contentType = "application/x-amz-json-1.0"
			body["__type"] = "com.amazonaws.sqs#" + e.code
			w.Header().Set("X-Amzn-Query-Error", cmp.Or(queueCodes[e.code], e.code)+";"+faultOf(e))
		}
		b, err := json.Marshal(body)
		if err != nil {
			b = []byte(`{"__type":"InternalFailure"}`)
		}
		send(w, e.status, contentType, id, b)
	}
}

func faultOf(e *apiError) string {
	if e.status >= http.StatusInternalServerError {
		return "Receiver"
	}
	return "Sender"
}

func escape(s string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(s)) // a bytes.Buffer takes everything
	return b.String()
}

// writeJSON answers with what do returns: ready-made JSON as []byte, nil for an empty object, or a value to marshal.
func writeJSON(w http.ResponseWriter, c *call, do func(*call) (any, error)) {
	out, err := do(c)
	if err != nil {
		writeError(w, c, err)
		return
	}
	body, ok := out.([]byte)
	switch {
	case ok:
	case out == nil:
		body = []byte("{}")
	default:
		if body, err = json.Marshal(out); err != nil {
			writeError(w, c, err)
			return
		}
	}
	contentType := "application/x-amz-json-1.1"
	if c.service == dynamodbService || c.service == sqsService {
		contentType = "application/x-amz-json-1.0"
	}
	send(w, http.StatusOK, contentType, requestID(), body)
}

// writeXML answers with the result element that do returns.
func writeXML(w http.ResponseWriter, c *call, do func(*call) (string, error)) {
	result, err := do(c)
	if err != nil {
		writeError(w, c, err)
		return
	}
	id := requestID()
	send(w, http.StatusOK, "text/xml", id, fmt.Appendf(nil,
		`<%[1]sResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><%[1]sResult>%[2]s</%[1]sResult><ResponseMetadata><RequestId>%[3]s</RequestId></ResponseMetadata></%[1]sResponse>`,
		c.action, result, id))
}

func send(w http.ResponseWriter, status int, contentType, id string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("X-Amzn-Requestid", id)
	if contentType == "application/x-amz-json-1.0" {
		// DynamoDB sends it, and the SDK warns about every answer without it.
		h.Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10))
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may have gone
}

// decode reads the parameters of a JSON call. A parameter that T does not have is an error that names it, so that
// nothing a caller asks for is silently ignored.
func decode[T any](c *call) (*T, error) {
	in := new(T)
	if len(c.Body) == 0 {
		return in, nil
	}
	d := json.NewDecoder(bytes.NewReader(c.Body))
	d.DisallowUnknownFields()
	if err := d.Decode(in); err != nil {
		var api *apiError
		if errors.As(err, &api) {
			return nil, api
		}
		if field, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
			return nil, invalid("ValidationException", "awsfake does not implement the parameter %s of %s", field, c.Operation)
		}
		return nil, invalid("SerializationException", "%v", err)
	}
	return in, nil
}
