// Package awsjson calls services of AWS that speak JSON ("awsJson1_1" in their models)
// and for which there is no module of the SDK. It stands on the middleware of the SDK:
// configuration, credentials, retries, clocks that are wrong and what others add with
// aws.Config.APIOptions work as they do for the SDK's own clients.
package awsjson

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// maxAnswer bounds what is read of an answer.
const maxAnswer = 32 << 20

// Service is what the model of a service says about it.
type Service struct {
	// ID of the service, as the SDK would have it: "Support".
	ID string
	// SigningName for which requests are signed: "support".
	SigningName string
	// Target is the prefix of the operation in requests: "AWSSupport_20130415".
	Target string
	// Endpoint is the address of the service, with its scheme. BaseEndpoint of the
	// configuration comes before it.
	Endpoint string
	// Region for which requests are signed. It is that of the endpoint, which need not be
	// that of the configuration.
	Region string
}

// Call calls one operation. in is sent as JSON, and the answer is read into an Out:
// both are structs with the names of the API as JSON tags.
//
// Errors are those of the SDK: an answer that is an error is a [smithy.APIError] with the
// code of the service, inside a [smithy.OperationError]. Call may be called by several
// goroutines.
func Call[Out, In any](ctx context.Context, cfg aws.Config, s Service, operation string, in In) (*Out, error) {
	stack, err := newStack(cfg, s, operation, deserializer[Out]())
	if err != nil {
		return nil, &smithy.OperationError{ServiceID: s.ID, OperationName: operation, Err: err}
	}
	client := cfg.HTTPClient
	if client == nil {
		client = awshttp.NewBuildableClient()
	}
	ctx = middleware.ClearStackValues(ctx)
	handler := middleware.DecorateHandler(smithyhttp.NewClientHandlerWithOptions(client), stack)
	answer, _, err := handler.Handle(ctx, in)
	if err != nil {
		return nil, &smithy.OperationError{ServiceID: s.ID, OperationName: operation, Err: err}
	}
	out, ok := answer.(*Out)
	if !ok {
		return nil, fmt.Errorf("awsjson: %s %s: an answer of type %T", s.ID, operation, answer)
	}
	return out, nil
}

// newStack returns the steps of a call. The last one, deserialize, reads the answer.
func newStack(
	cfg aws.Config, s Service, operation string, deserialize middleware.DeserializeMiddleware,
) (*middleware.Stack, error) {
	endpoint, err := url.Parse(aws.ToString(cfg.BaseEndpoint))
	if err == nil && endpoint.Host == "" {
		endpoint, err = url.Parse(s.Endpoint)
	}
	if err != nil || endpoint.Host == "" {
		return nil, errors.Join(fmt.Errorf("the endpoint %q has no host", s.Endpoint), err)
	}
	stack := middleware.NewStack(operation, smithyhttp.NewStackRequest)
	metadata := &awsmiddleware.RegisterServiceMetadata{
		ServiceID: s.ID, SigningName: s.SigningName, Region: s.Region, OperationName: operation,
	}
	//lint:ignore SA1019 the other one is generated into each module of the SDK
	options := v4.SignHTTPRequestMiddlewareOptions{ //nolint:staticcheck // see above
		CredentialsProvider: cfg.Credentials, Signer: v4.NewSigner(), LogSigning: cfg.ClientLogMode.IsSigning(),
	}
	//lint:ignore SA1019 as above
	signer := v4.NewSignHTTPRequestMiddleware(options) //nolint:staticcheck // see above
	steps := []error{
		stack.Initialize.Add(metadata, middleware.Before),
		stack.Initialize.Add(signingRegion(s.Region), middleware.After),
		stack.Serialize.Add(serializer(endpoint, s.Target+"."+operation), middleware.After),
		awsmiddleware.AddSDKAgentKeyValue(awsmiddleware.APIMetadata, strings.ToLower(s.ID), "awsjson")(stack),
		stack.Finalize.Add(&v4.ComputePayloadSHA256{}, middleware.After),
		stack.Finalize.Add(signer, middleware.After),
		retry.AddRetryMiddlewares(stack, retry.AddRetryMiddlewaresOptions{
			Retryer: retryer(cfg), LogRetryAttempts: cfg.ClientLogMode.IsRetries(),
		}),
		stack.Deserialize.Add(deserialize, middleware.After),
		awsmiddleware.AddRecordResponseTiming(stack),
		awsmiddleware.AddRequestIDRetrieverMiddleware(stack),
	}
	for _, option := range cfg.APIOptions {
		steps = append(steps, option(stack))
	}
	return stack, errors.Join(steps...)
}

func retryer(cfg aws.Config) aws.Retryer {
	var r aws.Retryer
	if cfg.Retryer != nil {
		r = cfg.Retryer()
	} else {
		r = retry.NewStandard()
	}
	if cfg.RetryMaxAttempts > 0 {
		r = retry.AddWithMaxAttempts(r, cfg.RetryMaxAttempts)
	}
	return r
}

func signingRegion(region string) middleware.InitializeMiddleware {
	return middleware.InitializeMiddlewareFunc("SigningRegion", func(
		ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
	) (middleware.InitializeOutput, middleware.Metadata, error) {
		//lint:ignore SA1019 where the signer looks for it; RegisterServiceMetadata sets the name only
		ctx = awsmiddleware.SetSigningRegion(ctx, region) //nolint:staticcheck // see above
		return next.HandleInitialize(ctx, in)
	})
}

func serializer(endpoint *url.URL, target string) middleware.SerializeMiddleware {
	return middleware.SerializeMiddlewareFunc("OperationSerializer", func(
		ctx context.Context, in middleware.SerializeInput, next middleware.SerializeHandler,
	) (middleware.SerializeOutput, middleware.Metadata, error) {
		body, err := json.Marshal(in.Parameters)
		if err != nil {
			return middleware.SerializeOutput{}, middleware.Metadata{}, &smithy.SerializationError{Err: err}
		}
		r, ok := in.Request.(*smithyhttp.Request)
		if !ok {
			return middleware.SerializeOutput{}, middleware.Metadata{}, fmt.Errorf("a request of type %T", in.Request)
		}
		r.Method = http.MethodPost
		r.URL.Scheme, r.URL.Host, r.URL.Path = endpoint.Scheme, endpoint.Host, "/"
		r.Header.Set("Content-Type", "application/x-amz-json-1.1")
		r.Header.Set("X-Amz-Target", target)
		if in.Request, err = r.SetStream(bytes.NewReader(body)); err != nil {
			return middleware.SerializeOutput{}, middleware.Metadata{}, &smithy.SerializationError{Err: err}
		}
		return next.HandleSerialize(ctx, in)
	})
}

// deserializer reads an answer into an Out of its own: it may be read twice.
func deserializer[Out any]() middleware.DeserializeMiddleware {
	return middleware.DeserializeMiddlewareFunc("OperationDeserializer", func(
		ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler,
	) (middleware.DeserializeOutput, middleware.Metadata, error) {
		out, metadata, err := next.HandleDeserialize(ctx, in)
		if err != nil {
			return out, metadata, err
		}
		response, ok := out.RawResponse.(*smithyhttp.Response)
		if !ok {
			return out, metadata, &smithy.DeserializationError{Err: fmt.Errorf("an answer of type %T", out.RawResponse)}
		}
		defer response.Body.Close()
		body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
		if err == nil && len(body) > maxAnswer {
			err = fmt.Errorf("the answer is larger than %d bytes", maxAnswer)
		}
		if err != nil {
			return out, metadata, &smithy.DeserializationError{Err: err}
		}
		if response.StatusCode < 200 || response.StatusCode >= 300 {
			return out, metadata, &smithyhttp.ResponseError{Response: response, Err: apiError(response, body)}
		}
		result := new(Out)
		if err := json.Unmarshal(body, result); err != nil {
			return out, metadata, &smithy.DeserializationError{Err: err, Snapshot: body[:min(len(body), 1024)]}
		}
		out.Result = result
		return out, metadata, nil
	})
}

// apiError returns the error that an answer is. Its code is in a header or in the body,
// with a namespace before it or an address behind it.
func apiError(response *smithyhttp.Response, body []byte) *smithy.GenericAPIError {
	var answer struct {
		Type    string `json:"__type"`
		Code    string `json:"code"`
		Message string `json:"message"` // in any case: Message, too
	}
	_ = json.Unmarshal(body, &answer) // a proxy may have answered: the status says enough
	code := response.Header.Get("X-Amzn-Errortype")
	for _, other := range []string{answer.Type, answer.Code, "UnknownError"} {
		if code == "" {
			code = other
		}
	}
	code, _, _ = strings.Cut(code, ":")
	code = code[strings.LastIndexByte(code, '#')+1:]
	fault := smithy.FaultClient
	if response.StatusCode >= 500 {
		fault = smithy.FaultServer
	}
	return &smithy.GenericAPIError{Code: code, Message: answer.Message, Fault: fault}
}
