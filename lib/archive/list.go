package archive

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/hubspoke/observability/lib/schema"
)

// Filter says which runs to list. An empty list stands for all.
type Filter struct {
	// Accounts, Regions and Categories to list. Those that are named are looked for
	// directly; the others are found out by listing.
	Accounts, Regions, Categories []string
	// From and To are the first and the last UTC day on which a run began. 0 means
	// no bound.
	From, To schema.Date
}

func (f Filter) validate() error {
	var faults []error
	check := func(account, region, category string) {
		if err := checkScope(account, region, category); err != nil {
			faults = append(faults, fmt.Errorf("archive: %w", err))
		}
	}
	for _, account := range f.Accounts {
		check(account, schema.GlobalRegion, "x")
	}
	for _, region := range f.Regions {
		check("000000000000", region, "x")
	}
	for _, category := range f.Categories {
		check("000000000000", schema.GlobalRegion, category)
	}
	if f.From != 0 && f.To != 0 && f.To < f.From {
		faults = append(faults, fmt.Errorf("archive: From %s is after To %s", f.From, f.To))
	}
	return errors.Join(faults...)
}

// Runs lists the runs in the archive. Those of one scope come in order of their
// times; accounts, regions and categories come in the order of the filter, or of
// the alphabet. It lists ahead of the caller, up to 16 prefixes at once.
//
// An [*Error] with [ReasonKey] names an object that is not one of the archive, and
// the listing goes on. Any other error ends it.
func (b *Bucket) Runs(ctx context.Context, f Filter) iter.Seq2[Run, error] {
	return func(yield func(Run, error) bool) {
		if err := f.validate(); err != nil {
			yield(Run{}, err)
			return
		}
		l := lister{bucket: b, filter: f, requests: make(chan struct{}, listRequests)}
		defer l.work.Wait()
		var stop context.CancelFunc
		l.ctx, stop = context.WithCancel(ctx)
		defer stop()
		// What ends the listing may be lost where ctx is done, but not that it ended.
		if give(l.start(levelsAhead, l.accounts), yield) && ctx.Err() != nil {
			yield(Run{}, fmt.Errorf("archive: listing %s: %w", b.url(""), ctx.Err()))
		}
	}
}

// How far a listing is ahead of its caller: how many requests are under way, how many
// names of a level wait for those before them, and how many runs of a scope.
const (
	listRequests = 16
	levelsAhead  = 8
	runsAhead    = 100
)

// lister is one call of Runs.
type lister struct {
	bucket   *Bucket
	ctx      context.Context // of the call, which is shorter than the lister's life
	filter   Filter
	requests chan struct{} // has an element for each request that is under way
	work     sync.WaitGroup
}

// listing lists what is below a prefix, in order.
type listing struct {
	*lister
	found chan<- found
}

// found is a run, an error, or what was found below a prefix.
type found struct {
	run   Run
	err   error
	last  bool // the error ends the listing
	below <-chan found
}

// start starts a listing, which is no more than ahead elements before its reader.
func (l *lister) start(ahead int, list func(listing) error) <-chan found {
	all := make(chan found, ahead)
	l.work.Go(func() {
		defer close(all)
		to := listing{l, all}
		if err := list(to); err != nil {
			_ = to.give(found{err: err, last: true})
		}
	})
	return all
}

// give yields what was found and reports whether there was neither an error that ends
// the listing nor a caller who wants no more.
func give(all <-chan found, yield func(Run, error) bool) bool {
	for f := range all {
		switch {
		case f.below != nil:
			if !give(f.below, yield) {
				return false
			}
		case !yield(f.run, f.err) || f.last:
			return false
		}
	}
	return true
}

func (l listing) give(f found) error {
	select {
	case l.found <- f:
		return nil
	case <-l.ctx.Done():
		return l.ctx.Err()
	}
}

func (l *lister) accounts(to listing) error {
	return to.level("", accountLevel, l.filter.Accounts, levelsAhead, func(to listing, account string) error {
		prefix := accountLevel + account + "/"
		return to.level(prefix, regionLevel, l.filter.Regions, levelsAhead, func(to listing, region string) error {
			prefix := prefix + regionLevel + region + "/"
			return to.level(prefix, categoryLevel, l.filter.Categories, runsAhead, func(to listing, category string) error {
				return to.runs(categoryPrefix(account, region, category))
			})
		})
	})
}

// level starts a listing by f for each name at one level below prefix: those that are
// wanted, or all that there are.
func (l listing) level(prefix, level string, wanted []string, ahead int, f func(to listing, name string) error) error {
	start := func(name string) error {
		return l.give(found{below: l.start(ahead, func(to listing) error { return f(to, name) })})
	}
	if len(wanted) > 0 {
		for _, name := range wanted {
			if err := start(name); err != nil {
				return err
			}
		}
		return nil
	}
	in := &s3.ListObjectsV2Input{Prefix: &prefix, Delimiter: aws.String("/")}
	return l.pages(in, func(page *s3.ListObjectsV2Output) error {
		for _, object := range page.Contents {
			if err := l.strange(aws.ToString(object.Key)); err != nil {
				return err
			}
		}
		for _, p := range page.CommonPrefixes {
			name, ok := strings.CutPrefix(strings.TrimSuffix(aws.ToString(p.Prefix), "/"), prefix+level)
			if !ok || !validName(level, name) {
				if err := l.strange(aws.ToString(p.Prefix)); err != nil {
					return err
				}
				continue
			}
			if err := start(name); err != nil {
				return err
			}
		}
		return nil
	})
}

func validName(level, name string) bool {
	account, region, category := "000000000000", schema.GlobalRegion, "x"
	switch level {
	case accountLevel:
		account = name
	case regionLevel:
		region = name
	case categoryLevel:
		category = name
	}
	return checkScope(account, region, category) == nil
}

func (l listing) strange(key string) error {
	return l.give(found{err: refuse(ReasonKey, "%.300q is not an object of the archive", l.bucket.url(key))})
}

// errPast says that what follows is after the last day.
var errPast = errors.New("past the last day")

// runs lists the runs of all scopes of one category, account and region. S3 lists
// keys in order of their bytes: days come in order, and in a day first the files of
// all runs, in order of their times, then their manifests.
func (l listing) runs(prefix string) error {
	in := &s3.ListObjectsV2Input{Prefix: &prefix}
	if l.filter.From != 0 {
		in.StartAfter = aws.String(prefix + dateLevel + l.filter.From.String())
	}
	open := openDay{runs: map[schema.RunID]*Run{}}
	err := l.pages(in, func(page *s3.ListObjectsV2Output) error {
		for _, object := range page.Contents {
			if err := l.object(object, &open); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil && !errors.Is(err, errPast) {
		return err
	}
	return l.end(&open)
}

// openDay is a day while its objects are being listed.
type openDay struct {
	date schema.Date
	runs map[schema.RunID]*Run
}

// object adds an object to the day that is open, or opens the next one.
func (l listing) object(object types.Object, open *openDay) error {
	key, modified := aws.ToString(object.Key), aws.ToTime(object.LastModified)
	run, manifest, ok := parseKey(key)
	if !ok {
		return l.strange(key)
	}
	date := schema.DateOf(run.ID.Time())
	if to := l.filter.To; to != 0 && date > to {
		return errPast
	}
	if open.date != date {
		if err := l.end(open); err != nil {
			return err
		}
		open.date = date
	}
	known := open.runs[run.ID]
	if known == nil {
		run.Unfinished = true
		known = &run
		open.runs[run.ID] = known
	}
	if manifest {
		known.Unfinished, known.ManifestSize = false, aws.ToInt64(object.Size)
	}
	if modified.After(known.Modified) {
		known.Modified = modified
	}
	return nil
}

// end gives the runs of the day that is open.
func (l listing) end(open *openDay) error {
	defer clear(open.runs)
	for _, id := range slices.SortedFunc(maps.Keys(open.runs), schema.RunID.Compare) {
		if err := l.give(found{run: *open.runs[id]}); err != nil {
			return err
		}
	}
	return nil
}

// pages calls f with each page of a listing. Prefix and keys are without the archive's
// prefix.
func (l *lister) pages(in *s3.ListObjectsV2Input, f func(*s3.ListObjectsV2Output) error) error {
	place := l.bucket.url(aws.ToString(in.Prefix))
	in.Bucket = &l.bucket.config.Name
	in.Prefix = l.full(in.Prefix)
	in.StartAfter = l.full(in.StartAfter)
	in.EncodingType = types.EncodingTypeUrl // XML cannot hold every key
	seen := map[string]bool{}
	for {
		page, err := l.request(in)
		if err != nil {
			return fmt.Errorf("archive: listing %s: %w", place, err)
		}
		if page.IsTruncated == nil {
			return fmt.Errorf("archive: listing %s: the answer is no listing: it does not say whether it is whole", place)
		}
		if err := l.decode(page); err != nil {
			return fmt.Errorf("archive: listing %s: %w", place, err)
		}
		if err := f(page); err != nil {
			return err
		}
		if !aws.ToBool(page.IsTruncated) {
			return nil
		}
		if aws.ToString(page.NextContinuationToken) == "" {
			return fmt.Errorf("archive: listing %s: the answer is cut and does not say where to go on", place)
		}
		token := *page.NextContinuationToken
		if seen[token] {
			return fmt.Errorf("archive: listing %s: S3 sent the token of a page again, so that the pages would never end", place)
		}
		seen[token] = true
		in.ContinuationToken, in.StartAfter = page.NextContinuationToken, nil
	}
}

func (l *lister) request(in *s3.ListObjectsV2Input) (*s3.ListObjectsV2Output, error) {
	select {
	case l.requests <- struct{}{}:
	case <-l.ctx.Done():
		return nil, l.ctx.Err()
	}
	defer func() { <-l.requests }()
	return l.bucket.config.Client.ListObjectsV2(l.ctx, in)
}

func (l *lister) full(key *string) *string {
	if key == nil {
		return nil
	}
	return aws.String(l.bucket.config.Prefix + *key)
}

// decode undoes the encoding of keys and cuts the archive's prefix off.
func (l *lister) decode(page *s3.ListObjectsV2Output) error {
	plain := func(key *string) (*string, error) {
		text := aws.ToString(key)
		if page.EncodingType == types.EncodingTypeUrl {
			var err error
			if text, err = url.QueryUnescape(text); err != nil {
				return nil, err
			}
		}
		text, ok := strings.CutPrefix(text, l.bucket.config.Prefix)
		if !ok {
			return nil, fmt.Errorf("key %.300q is not below the prefix", text)
		}
		return &text, nil
	}
	var err error
	for i := range page.Contents {
		if page.Contents[i].Key, err = plain(page.Contents[i].Key); err != nil {
			return err
		}
	}
	for i := range page.CommonPrefixes {
		if page.CommonPrefixes[i].Prefix, err = plain(page.CommonPrefixes[i].Prefix); err != nil {
			return err
		}
	}
	return nil
}
