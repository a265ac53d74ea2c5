package replay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hubspoke/observability/consumers/apply"
	"github.com/hubspoke/observability/lib/archive"
	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/schema"
)

// How far a worker reads ahead. It holds no more runs than it needs to be never
// without work: what it has taken, no other worker can apply.
const (
	runsAhead  = 16
	stepsAhead = 32
)

// worker replays the runs of some scopes, in three stages that work side by side:
// manifests are read, what is missing of many runs is asked for and read, and
// applied. What passes from stage to stage keeps its order.
type worker struct {
	*replay
	found chan *foundRun
	steps chan step
	batch *apply.Batch
}

// foundRun is a run that was listed.
type foundRun struct {
	archive.Run
	reading  *future[*archive.Manifest] // nil if it is unfinished
	giveBack func()                     // what its manifest takes of the budget

	manifest *archive.Manifest
	refusal  error // of the manifest or the run
	end      load.Origin
}

// step is what is to be done next, and for which run.
type step struct {
	run archive.Run
	do  func(context.Context) error
}

// runWorker works on what comes from groups. Each group is all runs of an
// account, region and category.
func (r *replay) runWorker(ctx context.Context, groups <-chan []archive.Run) error {
	batch, err := apply.New(apply.Config{
		Loader: r.Loader, Rows: r.BatchRows, Bytes: r.BatchBytes,
		OnApply: func(result load.Result) {
			r.summary.applied(result)
			r.Hooks.Applied(result)
		},
	})
	if err != nil {
		return err
	}
	defer batch.Release()
	w := &worker{replay: r, found: make(chan *foundRun, runsAhead), steps: make(chan step, stepsAhead), batch: batch}
	r.work.Go(func() error {
		defer close(w.found)
		return w.readManifests(ctx, groups)
	})
	r.work.Go(func() error {
		defer close(w.steps)
		return w.planAll(ctx)
	})
	return w.apply(ctx)
}

// readManifests starts reading the manifests of all runs.
func (w *worker) readManifests(ctx context.Context, groups <-chan []archive.Run) error {
	for runs := range groups {
		if w.Loader.Table(runs[0].Category) == nil {
			w.summary.unknown(runs)
			for range runs {
				w.Hooks.Done()
			}
			continue
		}
		for _, run := range runs {
			f := &foundRun{Run: run}
			var err error
			if f.giveBack, err = w.manifests.take(ctx, run.ManifestSize); err != nil {
				return err
			}
			if !run.Unfinished {
				f.reading = read(ctx, w.replay, func() (*archive.Manifest, error) { return w.Bucket.ReadManifest(ctx, run) })
			}
			if err := send(ctx, w.found, f); err != nil {
				return err
			}
		}
	}
	return nil
}

// planAll plans runs, as many at once as there are.
func (w *worker) planAll(ctx context.Context) error {
	for first := range w.found {
		runs := []*foundRun{first}
		for more := true; more && len(runs) <= runsAhead; {
			select {
			case next, ok := <-w.found:
				if more = ok; ok {
					runs = append(runs, next)
				}
			default:
				more = false
			}
		}
		if err := w.plan(ctx, runs); err != nil {
			return fmt.Errorf("replay: %v: %w", runs[0].Run, err)
		}
	}
	return nil
}

// plan starts reading what is missing of the runs, and sends the steps.
func (w *worker) plan(ctx context.Context, runs []*foundRun) error {
	var names []load.Run
	for _, f := range runs {
		w.admit(f)
		if f.manifest != nil {
			names = append(names, load.Run{Scope: f.manifest.Scope(), ID: f.manifest.Run})
		}
	}
	applied, err := w.Loader.Applied(ctx, names)
	if err != nil {
		return err
	}
	for _, f := range runs {
		switch {
		case f.Unfinished:
			err = w.then(ctx, f, func(context.Context) error { w.summary.unfinished(f.Run); return nil })
		case f.manifest == nil:
			err = w.then(ctx, f, func(ctx context.Context) error { return w.refuseRun(ctx, f) })
		default:
			err = w.planRun(ctx, f, applied[0])
			applied = applied[1:]
		}
		if err != nil {
			return err
		}
		err = w.then(ctx, f, func(context.Context) error {
			f.giveBack()
			w.Hooks.Done()
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *worker) then(ctx context.Context, f *foundRun, do func(context.Context) error) error {
	return send(ctx, w.steps, step{f.Run, do})
}

// admit sets the manifest of a run, or why it is refused.
func (w *worker) admit(f *foundRun) {
	if f.Unfinished {
		return
	}
	f.end = load.Origin{Name: w.Bucket.ManifestURL(f.Run), Arrived: f.Modified}
	m, err := f.reading.wait()
	if err != nil {
		f.refusal = err
		return
	}
	// The end is refused for whatever refuses the run.
	f.end.Arrived = m.Modified
	if _, refusal := w.Loader.Admit(m.Scope(), m.Run, m.Modified); refusal != nil {
		f.refusal = refusal
		return
	}
	f.manifest = m
}

// refuseRun refuses a run. If its manifest cannot be read, the slice is not known.
func (w *worker) refuseRun(ctx context.Context, f *foundRun) error {
	scope := schema.Scope{Category: f.Category, Account: f.Account, Region: f.Region}
	if m, err := f.reading.wait(); err == nil {
		scope = m.Scope()
	}
	return w.refuse(ctx, f.refusal, load.Reject{Scope: scope, Run: f.ID, Origin: f.end})
}

// planRun starts reading the files of a run that are missing, and sends its steps.
func (w *worker) planRun(ctx context.Context, f *foundRun, applied load.AppliedRun) error {
	m := f.manifest
	var missing []int // numbers of files
	for i, file := range m.Files {
		if !holds(applied, file) {
			missing = append(missing, i)
		}
	}
	// Where the stream refused parts, its end says so and the archive's is better.
	ended := applied.Complete || applied.Ended && !m.Outcome.Complete()
	err := w.then(ctx, f, func(context.Context) error {
		w.summary.planned(m, missing, ended)
		for _, i := range missing {
			w.conflict(applied, m, i)
		}
		return nil
	})
	if err != nil || w.DryRun {
		return err
	}
	for _, i := range missing {
		if err := w.planFile(ctx, f, i); err != nil {
			return err
		}
	}
	if ended {
		return nil
	}
	return w.then(ctx, f, func(ctx context.Context) error {
		return w.batch.AddEnd(ctx, load.End{
			Scope: m.Scope(), Run: m.Run, Outcome: m.Outcome, Parts: m.Parts, Rows: m.Rows, Error: m.Error,
			Every: time.Duration(m.Every) * time.Second, Extent: m.Extent, Origin: f.end,
			Requests: m.Requests, PaidRequests: m.PaidRequests, USDMicros: m.USDMicros,
			Took: time.Duration(m.TookMillis) * time.Millisecond,
		})
	})
}

// holds reports whether every part of the file was applied, with these bytes.
func holds(applied load.AppliedRun, f archive.File) bool {
	for _, p := range f.Parts {
		if sum, ok := applied.Parts[p.Number]; !ok || sum != p.SHA256 {
			return false
		}
	}
	return true
}

// conflict names a file if a part of it was applied with other bytes: the loader
// rejects that part, and applies the others.
func (r *replay) conflict(applied load.AppliedRun, m *archive.Manifest, i int) {
	for _, p := range m.Files[i].Parts {
		if sum, ok := applied.Parts[p.Number]; ok && sum != p.SHA256 {
			r.summary.bad(BadObject{
				URL: r.Bucket.FileURL(m, i), Reason: load.ReasonPartConflict,
				Detail: fmt.Sprintf("part %d was applied with body SHA-256 %v, not %v", p.Number, archive.Sum(sum), p.SHA256),
			})
			return
		}
	}
}

// planFile starts reading a file, and sends the step that applies it.
func (w *worker) planFile(ctx context.Context, f *foundRun, i int) error {
	giveBack, err := w.files.take(ctx, f.manifest.Files[i].Size)
	if err != nil {
		return err
	}
	t := w.Loader.Table(f.Category)
	stored := read(ctx, w.replay, func() (*archive.StoredFile, error) { return w.Bucket.Open(ctx, t, f.manifest, i) })
	return w.then(ctx, f, func(ctx context.Context) error {
		defer giveBack()
		return w.addFile(ctx, t, f.manifest, i, stored)
	})
}

func (w *worker) addFile(
	ctx context.Context, t *schema.Table, m *archive.Manifest, i int, stored *future[*archive.StoredFile],
) error {
	reject := load.Reject{
		Scope: m.Scope(), Run: m.Run, Origin: load.Origin{Name: w.Bucket.FileURL(m, i), Arrived: m.Modified},
	}
	file, err := stored.wait()
	if err != nil {
		return w.refuse(ctx, err, reject)
	}
	reject.Origin.Arrived = file.Modified
	if _, refusal := w.Loader.Admit(m.Scope(), m.Run, file.Modified); refusal != nil {
		return w.refuse(ctx, refusal, reject)
	}
	records, err := file.Records(ctx)
	if err != nil {
		return w.refuse(ctx, err, reject)
	}
	parts := make([]load.Part, len(m.Files[i].Parts))
	for j, p := range m.Files[i].Parts {
		parts[j] = load.Part{Scope: m.Scope(), Run: m.Run, Number: p.Number, SHA256: p.SHA256, Rows: p.Rows,
			Origin: reject.Origin}
	}
	return w.batch.AddParts(ctx, t, records, parts)
}

// apply does the steps and applies what they gather, also what they gathered before
// one of them failed.
func (w *worker) apply(ctx context.Context) error {
	for s := range w.steps {
		if err := s.do(ctx); err != nil {
			err = fmt.Errorf("replay: %v: %w", s.run, err)
			if ctx.Err() == nil {
				err = errors.Join(err, w.batch.Flush(ctx))
			}
			return err
		}
	}
	if err := w.batch.Flush(ctx); err != nil {
		return fmt.Errorf("replay: %w", err)
	}
	return nil
}

// refuse adds a reject for what cannot be applied. Errors that say nothing about
// the object, such as those of the network, end the replay.
func (w *worker) refuse(ctx context.Context, err error, reject load.Reject) error {
	var object *archive.Error
	var row *schema.RowError
	var refusal *load.Refusal
	switch {
	case errors.As(err, &object):
		reject.Reason = object.Reason
	case errors.As(err, &row):
		reject.Reason = row.Reason
	case errors.As(err, &refusal):
		reject.Reason = refusal.Reason
	default:
		return err
	}
	reject.Detail = err.Error()
	w.summary.bad(BadObject{URL: reject.Origin.Name, Reason: reject.Reason, Detail: reject.Detail})
	w.Logger.Warn("refused", "object", reject.Origin.Name, "reason", reject.Reason, "detail", reject.Detail)
	if w.DryRun || reject.Reason == archive.ReasonUnreadable { // another day it may be readable
		return nil
	}
	return w.batch.AddReject(ctx, reject)
}
