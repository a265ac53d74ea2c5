package awsconfig

import (
	"context"
	"io"

	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// endQuietly keeps the SDK from cutting answers off. It closes the body of a request
// as soon as the answer begins, while net/http may still look whether the body goes
// on. If that body has WriteTo, the SDK's wrapper then returns io.EOF as an error, for
// which net/http closes the connection; Read says the same without harm.
func endQuietly(stack *middleware.Stack) error {
	return stack.Build.Add(middleware.BuildMiddlewareFunc("EndQuietly", func(
		ctx context.Context, in middleware.BuildInput, next middleware.BuildHandler,
	) (middleware.BuildOutput, middleware.Metadata, error) {
		request, ok := in.Request.(*smithyhttp.Request)
		if !ok {
			return next.HandleBuild(ctx, in)
		}
		seeker, seekable := request.GetStream().(io.ReadSeeker)
		if _, writes := request.GetStream().(io.WriterTo); writes && seekable {
			var err error
			if request, err = request.SetStream(struct{ io.ReadSeeker }{seeker}); err != nil {
				return middleware.BuildOutput{}, middleware.Metadata{}, err
			}
			in.Request = request
		}
		return next.HandleBuild(ctx, in)
	}), middleware.After)
}
