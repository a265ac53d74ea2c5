package collecttest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// fault is how a request goes wrong.
type fault uint8

const (
	none fault = iota
	denied
	throttled
)

// refusal is how services of one protocol say that a request is denied or throttled.
type refusal struct {
	status int
	code   string
}

// protocol is how a group of services answers with an error.
type protocol struct {
	refusals map[fault]refusal
	// body has the code in place of %s; errorType is set where a header has the code.
	body      string
	errorType bool
}

var (
	awsJSON = protocol{
		refusals: map[fault]refusal{denied: {400, "AccessDeniedException"}, throttled: {400, "ThrottlingException"}},
		body:     `{"__type":"%s","message":"refused by the test"}`,
	}
	restJSON = protocol{
		refusals:  map[fault]refusal{denied: {403, "AccessDeniedException"}, throttled: {429, "TooManyRequestsException"}},
		body:      `{"Message":"refused by the test"}`,
		errorType: true,
	}
	query = protocol{
		refusals: map[fault]refusal{denied: {403, "AccessDenied"}, throttled: {400, "Throttling"}},
		body: `<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>refused by the test</Message></Error>` +
			`<RequestId>0</RequestId></ErrorResponse>`,
	}
	ec2Query = protocol{
		refusals: map[fault]refusal{denied: {403, "UnauthorizedOperation"}, throttled: {503, "RequestLimitExceeded"}},
		body: `<Response><Errors><Error><Code>%s</Code><Message>refused by the test</Message></Error></Errors>` +
			`<RequestID>0</RequestID></Response>`,
	}
	// The other services of REST-XML wrap an error as those of the query protocol do.
	s3XML = protocol{
		refusals: map[fault]refusal{denied: {403, "AccessDenied"}, throttled: {503, "SlowDown"}},
		body: `<Error><Code>%s</Code><Message>refused by the test</Message>` +
			`<RequestId>0</RequestId><HostId>0</HostId></Error>`,
	}
)

// restXML are the services, by the name that requests are signed for, of the protocol
// REST-XML besides S3. No request says that it is of this protocol, and no new service
// is: https://smithy.io/2.0/aws/protocols/aws-restxml-protocol.html
var restXML = []string{"cloudfront", "route53"}

// protocolOf returns the protocol of a request.
func protocolOf(request *http.Request) protocol {
	service := signingName(request)
	switch {
	case isQuery(request) && service == "ec2":
		return ec2Query
	case isQuery(request), slices.Contains(restXML, service):
		return query
	case request.Header.Get("X-Amz-Target") != "", isCBOR(request):
		return awsJSON
	case service == "s3":
		return s3XML
	}
	return restJSON
}

// isQuery reports whether the request is in the query protocol (EC2, IAM and so on).
func isQuery(request *http.Request) bool {
	return strings.HasPrefix(request.Header.Get("Content-Type"), "application/x-www-form-urlencoded")
}

// refuse answers as the service of the request answers when it denies or throttles.
func refuse(request *http.Request, f fault) *http.Response {
	p := protocolOf(request)
	r := p.refusals[f]
	body := p.body
	if strings.Contains(body, "%s") {
		body = fmt.Sprintf(body, r.code)
	}
	answer := response(request, r.status, []byte(body))
	if p.errorType {
		answer.Header.Set("X-Amzn-Errortype", r.code)
	}
	return answer
}
