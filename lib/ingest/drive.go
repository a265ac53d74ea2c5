package ingest

import (
	"context"

	"golang.org/x/sync/errgroup"
)

// Drive runs a source that delivers to the pipeline, such as the Run of a
// kcl.Worker, and applies what it delivers, until ctx is done. The source ends
// first, so that its sessions can drain, the pipeline after it. Drive returns the
// first error of the two, which ends the other one. Call it once, instead of Run.
func (p *Pipeline) Drive(ctx context.Context, source func(context.Context) error) error {
	applying, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return p.Run(applying) })
	group.Go(func() error {
		defer stop()
		return source(ctx)
	})
	return group.Wait()
}
