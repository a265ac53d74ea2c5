package collectors

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/hubspoke/observability/lib/collect"
)

// pager is what the SDK's paginators have in common.
type pager[Page, Options any] interface {
	HasMorePages() bool
	NextPage(context.Context, ...func(*Options)) (*Page, error)
}

// each returns the items of all pages. list returns those of one page, and the
// token of the next page. An error ends it:
//
//   - A page without its list is an error, and not a page without items: AWS sends an
//     empty list then. An answer that lost its body would else look as if everything
//     were gone.
//   - A token that AWS sent before is an error, behind the items of its page: the
//     same pages would be asked for again and again.
func each[Page, Options, Item any](
	ctx context.Context, pages pager[Page, Options], list func(*Page) (items []Item, next *string),
) iter.Seq2[*Item, error] {
	return func(yield func(*Item, error) bool) {
		fail := func(format string, args ...any) {
			yield(nil, fmt.Errorf(operationOf[Page]()+": "+format, args...))
		}
		seen := map[string]bool{}
		for page := 1; pages.HasMorePages(); page++ {
			out, err := pages.NextPage(ctx)
			if err != nil {
				yield(nil, err)
				return
			}
			items, next := list(out)
			if items == nil {
				fail("the answer has no list (page %d): something between AWS and here may have emptied it", page)
				return
			}
			for i := range items {
				if !yield(&items[i], nil) {
					return
				}
			}
			token := aws.ToString(next)
			if token != "" && seen[token] {
				fail("AWS sent the token of a page again (page %d), so that the pages would never end", page)
				return
			}
			seen[token] = true
		}
	}
}

// gather returns all items, or the error that ended them.
func gather[Item any](items iter.Seq2[*Item, error]) ([]Item, error) {
	return gatherOf(items, func(item *Item) Item { return *item })
}

// gatherOf returns a part of each item, or the error that ended them.
func gatherOf[Item, Part any](items iter.Seq2[*Item, error], part func(*Item) Part) ([]Part, error) {
	var list []Part
	for item, err := range items {
		if err != nil {
			return nil, err
		}
		list = append(list, part(item))
	}
	return list, nil
}

// operationOf returns the operation that answers with Page: ListKeys for ListKeysOutput.
func operationOf[Page any]() string {
	return strings.TrimSuffix(reflect.TypeFor[Page]().Name(), "Output")
}

// without returns the error of an answer that lacks what it must have.
func without[Answer any](_ *Answer, what string) error {
	return fmt.Errorf("%s answered without %s", operationOf[Answer](), what)
}

// emitEach emits the row of each item, until there is an error. A list that ends with one
// of the codes of gone belongs to a thing that was deleted meanwhile: it has no more items.
func emitEach[Item, Row any](
	items iter.Seq2[*Item, error], row func(*Item) Row, emit func(Row) error, gone ...string,
) error {
	for item, err := range items {
		if hasCode(err, gone...) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := emit(row(item)); err != nil {
			return err
		}
	}
	return nil
}

// gatherBy returns all items by their name, for rows that several lists make together.
func gatherBy[Item any](items iter.Seq2[*Item, error], name func(*Item) *string) (map[string]*Item, error) {
	byName := map[string]*Item{}
	for item, err := range items {
		if err != nil {
			return nil, err
		}
		byName[aws.ToString(name(item))] = item
	}
	return byName, nil
}

// byToken is a pager for operations for which the SDK has none. ask asks for the page
// of a token, nil for the first page.
type byToken[Page any] struct {
	ask   func(ctx context.Context, token *string) (*Page, error)
	next  func(*Page) *string
	token *string
	asked bool
}

// HasMorePages reports whether there is another page.
func (p *byToken[Page]) HasMorePages() bool { return !p.asked || aws.ToString(p.token) != "" }

// NextPage asks for it.
func (p *byToken[Page]) NextPage(ctx context.Context, _ ...func(*struct{})) (*Page, error) {
	page, err := p.ask(ctx, p.token)
	if err != nil {
		return nil, err
	}
	p.asked, p.token = true, p.next(page)
	return page, nil
}

// eachByToken is each for operations for which the SDK has no paginator, and for clients with
// hundreds of operations. ask is the method of the client, and token says where in the input
// the token of a page is asked for.
func eachByToken[Input, Page, Options, Item any](
	ctx context.Context, input *Input, ask func(context.Context, *Input, ...func(*Options)) (*Page, error),
	token func(*Input) **string, list func(*Page) (items []Item, next *string),
) iter.Seq2[*Item, error] {
	var items []Item
	pages := &byToken[Page]{
		ask: func(ctx context.Context, next *string) (*Page, error) {
			*token(input) = next
			return ask(ctx, input)
		},
		next: func(page *Page) (next *string) {
			items, next = list(page)
			return next
		},
	}
	return each(ctx, pages, func(*Page) ([]Item, *string) { return items, pages.token })
}

// single is a pager for operations that answer with everything at once.
func single[Page any](ask func(context.Context) (*Page, error)) *byToken[Page] {
	return &byToken[Page]{
		ask:  func(ctx context.Context, _ *string) (*Page, error) { return ask(ctx) },
		next: func(*Page) *string { return nil },
	}
}

// distinct returns the elements of a list, each once, in their order.
func distinct[T comparable](list []T) []T {
	seen := make(map[T]bool, len(list))
	return slices.DeleteFunc(list, func(element T) bool {
		again := seen[element]
		seen[element] = true
		return again
	})
}

// sliceOf collects one slice of a category. It must not call emit after it returned.
type sliceOf[Row any] func(ctx context.Context, env *collect.Env, emit func(Row) error) error

// bySlice collects a category in which each slice is a list of its own: one slice after the
// other, by name. What is wrong with one of them, such as that it is denied, is its own
// outcome and hides no other. An error of emit, and the end of ctx, end all.
func bySlice[Row any](
	ctx context.Context, env *collect.Env, emit func(Row) error, lists map[string]sliceOf[Row],
) error {
	var refused error
	noted := func(row Row) error {
		err := emit(row)
		refused = cmp.Or(refused, err)
		return err
	}
	faults := collect.SliceErrors{}
	for _, slice := range slices.Sorted(maps.Keys(lists)) {
		err := lists[slice](ctx, env, noted)
		if refused != nil {
			return refused
		}
		if err != nil && ctx.Err() != nil {
			return err
		}
		if err != nil {
			faults[slice] = err
		}
	}
	if len(faults) > 0 {
		return faults
	}
	return nil
}
