package collecttest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"sync"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"golang.org/x/tools/txtar"
)

// Recording is one request and its answer.
type Recording struct {
	// Operation of the request: "ListKeys".
	Operation string
	// Request is a JSON value as encoding/json decodes it, with numbers as json.Number.
	Request any
	// Status of the answer.
	Status int
	// Answer is its body.
	Answer []byte

	place string // file and section, for people
}

// Recordings reads the stories (*.txtar) of a directory, for tests of rules that all
// recordings obey. It is an error if there is none.
func Recordings(dir string) ([]Recording, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.txtar"))
	if err != nil {
		return nil, err
	}
	var recordings []Recording
	for _, file := range files {
		story, err := txtar.ParseFile(file)
		if err != nil {
			return nil, err
		}
		for i, section := range story.Files {
			place := fmt.Sprintf("%s, section %d (%s)", file, i+1, section.Name)
			r, err := parseRecording(section)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", place, err)
			}
			r.place = place
			recordings = append(recordings, r)
		}
	}
	if len(recordings) == 0 {
		return nil, fmt.Errorf("no recordings (*.txtar) in %s", dir)
	}
	return recordings, nil
}

func parseRecording(section txtar.File) (r Recording, err error) {
	request, answer, ok := strings.Cut(string(section.Data), "\n\n")
	status, body, ok2 := strings.Cut(answer, "\n")
	if !ok || !ok2 || section.Name == "" {
		return r, errors.New("a recording is a section named like the operation, " +
			"with a request, an empty line, a status and a body")
	}
	r.Operation, r.Answer = section.Name, []byte(body)
	if r.Request, err = parseJSON([]byte(request)); err != nil {
		return r, fmt.Errorf("request: %w", err)
	}
	if r.Status, err = strconv.Atoi(status); err != nil {
		return r, fmt.Errorf("status: %w", err)
	}
	return r, nil
}

func parseJSON(b []byte) (v any, err error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("bytes behind the JSON value")
	}
	return v, nil
}

// replay answers requests from recordings. It is the HTTP client of the SDK.
type replay struct {
	recordings []Recording
	// snapshots are answers by call, which go before those of recordings.
	snapshots map[string][]byte
	// fault of the requests numbered from at to at+times-1.
	fault     fault
	at, times int
	// cancel is called by request number cancelAt, if it is not nil.
	cancel   func()
	cancelAt int
	// edit returns the answer to a request in place of the recorded one, or nil.
	edit func(number int, asked served) []byte
	// most is how many requests are answered; 0 is no limit.
	most int

	mu         sync.Mutex
	requests   int
	operations []string       // of all requests, by number
	served     map[int]served // by number, the requests that a recording answered with success
	used       map[string]bool
	calls      map[string]string // IDs of services by call
	refused    []string          // calls of the requests that got a fault
	unknown    []string          // requests without a recording
}

// served is a request that a recording answered with success.
type served struct {
	operation string
	request   any
	body      []byte
}

// Do answers one attempt of a request.
func (r *replay) Do(request *http.Request) (*http.Response, error) {
	ctx := request.Context()
	operation := awsmiddleware.GetOperationName(ctx)
	call := signingName(request) + ":" + operation
	value, err := requestValue(request)
	if err != nil {
		return nil, err
	}

	r.mu.Lock()
	defer r.mu.Unlock()
	number := r.requests
	r.requests++
	r.operations = append(r.operations, operation)
	r.calls[call] = awsmiddleware.GetServiceID(ctx)
	if r.cancel != nil && number == r.cancelAt {
		r.cancel()
		return nil, ctx.Err()
	}
	if r.most > 0 && number >= r.most {
		return nil, errors.New("collecttest: too many requests")
	}
	if r.fault != none && number >= r.at && number < r.at+r.times {
		r.refused = append(r.refused, call)
		return refuse(request, r.fault), nil
	}
	if body, ok := r.snapshots[call]; ok {
		return response(request, http.StatusOK, body), nil
	}
	for _, known := range r.recordings {
		if known.Operation == operation && reflect.DeepEqual(known.Request, value) {
			r.used[known.place] = true
			body := known.Answer
			if known.Status < http.StatusBadRequest {
				asked := served{operation, value, known.Answer}
				r.served[number] = asked
				if r.edit != nil {
					if other := r.edit(number, asked); other != nil {
						body = other
					}
				}
			}
			return response(request, known.Status, body), nil
		}
	}
	text, _ := json.MarshalIndent(value, "", "  ")
	r.unknown = append(r.unknown, fmt.Sprintf("-- %s --\n%s", operation, text))
	return response(request, http.StatusNotImplemented, nil), nil
}

// signingName returns the service in the scope of the request's signature, which
// is also the prefix of the service's IAM actions:
// AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261020/eu-west-1/acm/aws4_request, …
func signingName(request *http.Request) string {
	_, scope, _ := strings.Cut(request.Header.Get("Authorization"), "Credential=")
	if parts := strings.Split(scope, "/"); len(parts) > 3 {
		return parts[3]
	}
	return ""
}

// requestValue returns the parameters of a request as a JSON value.
func requestValue(request *http.Request) (any, error) {
	var body []byte
	if request.Body != nil {
		var err error
		if body, err = io.ReadAll(request.Body); err != nil {
			return nil, err
		}
	}
	if isCBOR(request) {
		return fromCBOR(body)
	}
	if isQuery(request) {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, err
		}
		form.Del("Action")
		form.Del("Version")
		return flatten(form), nil
	}
	parameters := request.URL.Query()
	if len(body) > 0 && len(parameters) == 0 {
		return parseJSON(body)
	}
	// Any other REST request is told by its path and query, too, and one to S3 by the
	// bucket in its host.
	parameters.Del("x-id") // the operation again
	value := flatten(parameters)
	value["path"] = request.URL.Path
	if bucket, _, ok := strings.Cut(request.URL.Host, ".s3."); ok {
		value["bucket"] = bucket
	}
	if len(body) > 0 {
		var err error
		if value["body"], err = parseJSON(body); err != nil {
			return nil, err
		}
	}
	return value, nil
}

// flatten returns each parameter as text, or as a list if it is there several times.
func flatten(values url.Values) map[string]any {
	flat := make(map[string]any, len(values))
	for name, list := range values {
		if len(list) == 1 {
			flat[name] = list[0]
			continue
		}
		texts := make([]any, len(list))
		for i, text := range list {
			texts[i] = text
		}
		flat[name] = texts
	}
	return flat
}

func response(request *http.Request, status int, body []byte) *http.Response {
	header := http.Header{"X-Amzn-Requestid": {"00000000-0000-0000-0000-000000000000"}}
	if isCBOR(request) {
		header.Set("Smithy-Protocol", request.Header.Get("Smithy-Protocol"))
		body = toCBOR(body)
	}
	return &http.Response{
		StatusCode:    status,
		Status:        http.StatusText(status),
		Header:        header,
		Body:          io.NopCloser(bytes.NewReader(body)),
		ContentLength: int64(len(body)),
		Request:       request,
	}
}
