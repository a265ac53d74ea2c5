// Package awsanswer stands between AWS and the deserializers of its SDK, which
// believe too much and too little: they take an empty page for a list of nothing,
// turn the year 9999 into 1816, and lose a page for one value of it.
//
// [Install] adds the package to a configuration, for all clients made from it:
//
//   - A success that is empty, or is not the document that the operation answers
//     with, is an [*Error], which the SDK tries again.
//   - Times are those of the answer, exactly, also before 1678 and after 2262.
//   - An element of a list that the SDK cannot read is left out and reported, if the
//     context has somebody to report it to ([OnUnreadable]); else the answer is an
//     error, as it is without this package.
//   - Characters that XML forbids are U+FFFD.
//   - A list without elements is empty and not nil, also where the answer is in CBOR.
//
// Answers that are streams, such as that of GetObject, are left alone.
package awsanswer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// maxAnswer bounds what is kept of an answer. The largest that AWS gives are
// records of Kinesis, 10 MiB in base64.
const maxAnswer = 128 << 20

// Error says that a success is not an answer of the operation. The SDK tries such
// a request again.
type Error struct {
	// Service and Operation that were asked.
	Service, Operation string
	// Detail for people: what the answer is instead.
	Detail string
	// Err is why the answer could not be read, nil if it could.
	Err error
}

// Error names the operation and says what came instead.
func (e *Error) Error() string {
	text := fmt.Sprintf("%s %s: the answer %s; if it comes back, look for a proxy in between", e.Service, e.Operation,
		e.Detail)
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// RetryableError is true: the SDK asks for it.
func (e *Error) RetryableError() bool { return true }

// Unreadable is an element of a list that the SDK cannot read.
type Unreadable struct {
	// Service and Operation that were asked.
	Service, Operation string
	// List is the name of the list in the answer, and Index that of the element, from 0.
	List  string
	Index int
	// Name of the element, as far as it says one; "" if not.
	Name string
	// Err is what the SDK says.
	Err error
}

// String names the element.
func (u Unreadable) String() string {
	where := fmt.Sprintf("%s %s: element %d of %s", u.Service, u.Operation, u.Index, u.List)
	if u.Name != "" {
		where += fmt.Sprintf(" (%.200s)", u.Name)
	}
	return where
}

type reportKey struct{}

// OnUnreadable returns a context. Requests with it leave out what cannot be read and
// call report for each such element, before the answer is returned. report may be
// called by several goroutines.
func OnUnreadable(ctx context.Context, report func(Unreadable)) context.Context {
	return context.WithValue(ctx, reportKey{}, report)
}

// Install returns a copy of cfg. Clients made from it have the package. Installing it
// twice is the same as once.
func Install(cfg aws.Config) aws.Config {
	cfg = cfg.Copy()
	cfg.APIOptions = append(slices.Clone(cfg.APIOptions), Add)
	return cfg
}

// Add adds the package to the stack of one operation, if it is not there. It is an
// API option of the SDK.
func Add(stack *middleware.Stack) error {
	const deserializer = "OperationDeserializer"
	if _, ok := stack.Deserialize.Get(take{}.ID()); ok {
		return nil
	}
	if _, ok := stack.Deserialize.Get(deserializer); !ok {
		return nil // an operation of no service, such as those of the metadata service
	}
	if err := stack.Deserialize.Insert(check{}, deserializer, middleware.Before); err != nil {
		return err
	}
	return stack.Deserialize.Insert(take{}, deserializer, middleware.After)
}

// answer is one attempt of a request.
type answer struct {
	request  *smithyhttp.Request
	response *smithyhttp.Response
	metadata middleware.Metadata
	body     *body  // nil if there is nothing to check
	again    []byte // what the deserializer is given instead of the answer
}

type answerKey struct{}

// take is right below the deserializer and gives it the answer's body.
type take struct{}

func (take) ID() string { return "TakeAnswer" }

func (take) HandleDeserialize(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (
	out middleware.DeserializeOutput, metadata middleware.Metadata, err error,
) {
	a, ok := middleware.GetStackValue(ctx, answerKey{}).(*answer)
	if !ok {
		return next.HandleDeserialize(ctx, in)
	}
	if a.again != nil {
		response := *a.response.Response
		response.Body = io.NopCloser(bytes.NewReader(a.again))
		out.RawResponse = &smithyhttp.Response{Response: &response}
		return out, a.metadata, nil
	}
	out, metadata, err = next.HandleDeserialize(ctx, in)
	response, isHTTP := out.RawResponse.(*smithyhttp.Response)
	request, wasHTTP := in.Request.(*smithyhttp.Request)
	if err != nil || !isHTTP || !wasHTTP || response.StatusCode/100 != 2 || response.Body == nil ||
		strings.HasPrefix(response.Header.Get("Content-Type"), "application/vnd.amazon.eventstream") {
		return out, metadata, err
	}
	a.request, a.response, a.metadata = request, response, metadata
	a.body = &body{source: response.Body, isXML: a.protocol() == query ||
		strings.Contains(response.Header.Get("Content-Type"), "xml")}
	if a.protocol() == cbor {
		a.body.load() // deserializers look at a header first, and read nothing if that is missing
	}
	response.Body = a.body
	return out, metadata, nil
}

// body reads the whole answer as soon as the deserializer reads of it. Answers that it
// does not read are streams.
type body struct {
	source io.ReadCloser
	isXML  bool
	stream bool // nobody wants to know
	loaded bool
	data   []byte
	rest   *bytes.Reader
	err    error
}

var errTooLarge = fmt.Errorf("more than %d MiB", maxAnswer>>20)

func (b *body) Read(p []byte) (int, error) {
	if b.stream {
		return b.source.Read(p)
	}
	if !b.loaded {
		b.load()
	}
	if b.err != nil {
		return 0, b.err
	}
	return b.rest.Read(p)
}

func (b *body) load() {
	b.loaded = true
	b.data, b.err = io.ReadAll(io.LimitReader(b.source, maxAnswer+1))
	if b.err == nil && len(b.data) > maxAnswer {
		b.err = errTooLarge
	}
	if b.isXML {
		b.data = cleanXML(b.data)
	}
	b.rest = bytes.NewReader(b.data)
}

func (b *body) Close() error { return b.source.Close() }

// check is right above the deserializer and judges what it made of the answer.
type check struct{}

func (check) ID() string { return "CheckAnswer" }

func (check) HandleDeserialize(ctx context.Context, in middleware.DeserializeInput,
	next middleware.DeserializeHandler) (
	middleware.DeserializeOutput, middleware.Metadata, error,
) {
	a := &answer{}
	stack := middleware.WithStackValue(ctx, answerKey{}, a)
	out, metadata, err := next.HandleDeserialize(stack, in)
	switch {
	case a.body == nil:
		return out, metadata, err
	case !a.body.loaded:
		a.body.stream = true
		return out, metadata, err
	case a.body.err != nil && ctx.Err() != nil:
		return out, metadata, &smithy.CanceledError{Err: ctx.Err()}
	case errors.Is(a.body.err, errTooLarge):
		return out, metadata, fmt.Errorf("the answer has %w", errTooLarge)
	}
	service, operation := awsmiddleware.GetServiceID(ctx), awsmiddleware.GetOperationName(ctx)
	if fault := a.fault(operation, out.Result, err); fault != "" {
		return out, metadata, &Error{Service: service, Operation: operation, Detail: fault, Err: err}
	}
	d := decoder{answer: a, result: out.Result, next: func() (middleware.DeserializeOutput, middleware.Metadata, error) {
		return next.HandleDeserialize(stack, in)
	}}
	document := a.body.data
	if err != nil {
		report, ok := ctx.Value(reportKey{}).(func(Unreadable))
		if !ok {
			return out, metadata, err
		}
		readable, unreadable := d.readable(document)
		if len(unreadable) == 0 {
			return out, metadata, err // the fault is in no list
		}
		if out, metadata, err = d.decode(readable); err != nil {
			return out, metadata, err
		}
		for _, u := range unreadable {
			u.Service, u.Operation = service, operation
			report(u)
		}
		document = readable
	}
	if a.protocol() == cbor {
		keepEmptyLists(document, out.Result)
	}
	if first(document) == '{' {
		if err := d.exactTimes(document, out.Result); err != nil {
			return out, metadata, err
		}
	}
	return out, metadata, nil
}

// protocol says where the parts of an answer are.
type protocol uint8

const (
	rest    protocol = iota // in the body, in headers, or the body is a value
	rpcJSON                 // everything is a JSON object in the body
	query                   // everything is XML in the body, below OperationResponse
	cbor                    // everything is CBOR in the body
)

// protocol goes by what each protocol sends with every request.
func (a *answer) protocol() protocol {
	header := a.request.Header
	switch {
	case header.Get("Smithy-Protocol") == "rpc-v2-cbor":
		return cbor
	case header.Get("X-Amz-Target") != "":
		return rpcJSON
	case strings.HasPrefix(header.Get("Content-Type"), "application/x-www-form-urlencoded"):
		return query
	}
	return rest
}

// fault says what is wrong with a success of an operation, "" if it is one. result
// is what the deserializer made of it, and err what it said.
func (a *answer) fault(operation string, result any, err error) string {
	if a.body.err != nil {
		return "was cut off"
	}
	data := a.body.data
	empty := len(bytes.TrimSpace(data)) == 0
	switch a.protocol() {
	case rpcJSON:
		switch {
		case empty && hasMembers(result):
			return "is empty"
		case !empty && first(data) != '{', err != nil && !json.Valid(data):
			return "is not a JSON object"
		}
	case query:
		want := operation + "Response"
		switch root := xmlRoot(data); {
		case empty:
			return "is empty"
		case root != want:
			return fmt.Sprintf("is no %s", want)
		case err != nil && !wellFormed(data):
			return "is not well-formed XML"
		}
	case cbor:
		switch {
		case empty && (err != nil || hasMembers(result)):
			return "is empty"
		case !empty && !isCBORMap(data), err != nil && a.response.Header.Get("Smithy-Protocol") == "":
			return "is not a map in CBOR"
		}
	case rest:
		return a.restFault(result, err)
	}
	return ""
}

// restFault judges by what came out: parts of the answer can be in headers, and
// what changes something often answers with its status alone.
func (a *answer) restFault(result any, err error) string {
	data := a.body.data
	nothing := hasMembers(result) && !filled(result)
	switch first(data) {
	case 0:
		asks := a.request.Method == http.MethodGet || a.request.Method == http.MethodPost
		if nothing && asks && a.response.StatusCode == http.StatusOK {
			return "is empty"
		}
	case '{':
		if err != nil && !json.Valid(data) {
			return "is not a JSON object"
		}
	case '<':
		if strings.EqualFold(xmlRoot(data), "html") || isDoctypeHTML(data) {
			return "is a page for people"
		}
		if err != nil && !wellFormed(data) {
			return "is not well-formed XML"
		}
	default:
		if nothing || err != nil {
			return "is not a document"
		}
	}
	return ""
}

// hasMembers reports whether the operation answers with anything.
func hasMembers(result any) bool {
	for range members(result) {
		return true
	}
	return false
}

// filled reports whether anything of the answer was found.
func filled(result any) bool {
	for member := range members(result) {
		if !member.IsZero() {
			return true
		}
	}
	return false
}

// members goes through what the operation answers with.
func members(result any) func(yield func(reflect.Value) bool) {
	return func(yield func(reflect.Value) bool) {
		v := reflect.ValueOf(result)
		if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
			return
		}
		v = v.Elem()
		for i := range v.NumField() {
			if field := v.Type().Field(i); field.IsExported() && field.Name != "ResultMetadata" && !yield(v.Field(i)) {
				return
			}
		}
	}
}

// first returns the first byte of data that is no space, 0 if there is none.
func first(data []byte) byte {
	data = bytes.TrimLeft(data, " \t\r\n")
	if len(data) == 0 {
		return 0
	}
	return data[0]
}

// decoder gives the deserializer other documents than the answer.
type decoder struct {
	answer *answer
	result any // that of the last decoding
	next   func() (middleware.DeserializeOutput, middleware.Metadata, error)
}

// decode reads a document. Some clients have one result for all attempts: it is
// emptied first.
func (d *decoder) decode(document []byte) (middleware.DeserializeOutput, middleware.Metadata, error) {
	if v := reflect.ValueOf(d.result); v.Kind() == reflect.Pointer && !v.IsNil() {
		v.Elem().SetZero()
	}
	d.answer.again = document
	out, metadata, err := d.next()
	d.result = out.Result
	return out, metadata, err
}
