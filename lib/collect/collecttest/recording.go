package collecttest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"sync"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
)

// recording is one request and its answer.
type recording struct {
	file      string
	operation string
	request   any // JSON value
	status    int
	body      []byte
}

// loadRecordings reads the .txt files of a directory.
func loadRecordings(dir string) ([]recording, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no recordings (*.txt) in %s", dir)
	}
	var recordings []recording
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		r, err := parseRecording(content)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		r.file = file
		recordings = append(recordings, r)
	}
	return recordings, nil
}

func parseRecording(content []byte) (r recording, err error) {
	head, answer, ok := strings.Cut(string(content), "\n\n")
	operation, request, ok2 := strings.Cut(head, "\n")
	status, body, ok3 := strings.Cut(answer, "\n")
	if !ok || !ok2 || !ok3 {
		return r, fmt.Errorf("a recording is an operation, a request, an empty line, a status and a body")
	}
	r.operation, r.body = operation, []byte(body)
	if r.request, err = parseJSON([]byte(request)); err != nil {
		return r, fmt.Errorf("request: %w", err)
	}
	if r.status, err = strconv.Atoi(status); err != nil {
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

// fault is how a request goes wrong.
type fault uint8

const (
	none fault = iota
	denied
	throttled
)

// replay answers requests from recordings. It is the HTTP client of the SDK.
type replay struct {
	recordings []recording
	// fault of the requests numbered from at to at+times-1.
	fault     fault
	at, times int
	// cancel is called by request number cancelAt, if it is not nil.
	cancel   func()
	cancelAt int
	// edit returns the answer to a request in place of the recorded one, or nil. The
	// body of what it is given is empty.
	edit func(number int, asked served) []byte
	// most is how many requests are answered; 0 is no limit.
	most int

	mu       sync.Mutex
	requests int
	served   map[int]served // by number, the requests that a recording answered with success
	used     map[string]bool
	calls    map[string]bool
	refused  []string // actions of the requests that got a fault
	unknown  []string // requests without a recording
}

// Do answers one attempt of a request.
func (r *replay) Do(request *http.Request) (*http.Response, error) {
	ctx := request.Context()
	operation := awsmiddleware.GetOperationName(ctx)
	service := signingName(request)
	action := service + ":" + operation
	value, err := requestValue(request)
	if err != nil {
		return nil, err
	}

	r.mu.Lock()
	defer r.mu.Unlock()
	number := r.requests
	r.requests++
	r.calls[action] = true
	if r.cancel != nil && number == r.cancelAt {
		r.cancel()
		return nil, ctx.Err()
	}
	if r.most > 0 && number >= r.most {
		return nil, errors.New("collecttest: too many requests")
	}
	if r.fault != none && number >= r.at && number < r.at+r.times {
		r.refused = append(r.refused, action)
		return errorResponse(request, service, r.fault), nil
	}
	for _, known := range r.recordings {
		if known.operation == operation && reflect.DeepEqual(known.request, value) {
			r.used[known.file] = true
			body := known.body
			if known.status < http.StatusBadRequest {
				r.served[number] = served{operation, value, known.body}
				if r.edit != nil {
					if other := r.edit(number, served{operation: operation, request: value}); other != nil {
						body = other
					}
				}
			}
			return response(request, known.status, body), nil
		}
	}
	text, _ := json.Marshal(value)
	r.unknown = append(r.unknown, fmt.Sprintf("%s\n%s", operation, text))
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
	// Any other REST request is told by its path and query, too.
	value := flatten(parameters)
	value["path"] = request.URL.Path
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

// isQuery reports whether the request is in the query protocol (EC2, IAM and so on).
func isQuery(request *http.Request) bool {
	return strings.HasPrefix(request.Header.Get("Content-Type"), "application/x-www-form-urlencoded")
}

func response(request *http.Request, status int, body []byte) *http.Response {
	return &http.Response{
		StatusCode:    status,
		Status:        http.StatusText(status),
		Header:        http.Header{"X-Amzn-Requestid": {"00000000-0000-0000-0000-000000000000"}},
		Body:          io.NopCloser(bytes.NewReader(body)),
		ContentLength: int64(len(body)),
		Request:       request,
	}
}

// errorResponse answers as the service of the request answers when it denies or
// throttles, in the service's protocol.
func errorResponse(request *http.Request, service string, f fault) *http.Response {
	code := map[fault]string{denied: "AccessDeniedException", throttled: "ThrottlingException"}[f]
	switch {
	case isQuery(request) && service == "ec2":
		code = map[fault]string{denied: "UnauthorizedOperation", throttled: "RequestLimitExceeded"}[f]
		status := map[fault]int{denied: http.StatusForbidden, throttled: http.StatusServiceUnavailable}[f]
		return response(request, status, fmt.Appendf(nil,
			"<Response><Errors><Error><Code>%s</Code><Message>refused by the test</Message></Error></Errors><RequestID>0</RequestID></Response>", code))
	case isQuery(request):
		code = map[fault]string{denied: "AccessDenied", throttled: "Throttling"}[f]
		return response(request, http.StatusForbidden, fmt.Appendf(nil,
			"<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>refused by the test</Message></Error></ErrorResponse>", code))
	case request.Header.Get("X-Amz-Target") != "":
		return response(request, http.StatusBadRequest, fmt.Appendf(nil, `{"__type":%q,"message":"refused by the test"}`, code))
	}
	status := map[fault]int{denied: http.StatusForbidden, throttled: http.StatusTooManyRequests}[f]
	answer := response(request, status, []byte(`{"Message":"refused by the test"}`))
	answer.Header.Set("X-Amzn-Errortype", code)
	return answer
}
