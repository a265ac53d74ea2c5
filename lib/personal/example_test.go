package personal_test

import (
	"fmt"
	"strings"

	"github.com/hubspoke/observability/lib/personal"
	"github.com/hubspoke/observability/lib/schema"
)

func Example() {
	policy, err := personal.New(personal.Config{
		Actions: map[schema.Personal]personal.Action{
			schema.Identity: personal.Hash,
			schema.Contact:  personal.Drop,
		},
		Key: []byte(strings.Repeat("secret", 6)), // of a KMS key, in programs
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	columns, err := policy.For(users.Table)
	if err != nil {
		fmt.Println(err)
		return
	}
	for i, c := range users.Columns() {
		fmt.Println(c.Name, columns.Action(i))
	}
	// Output:
	// arn hash
	// name hash
	// email drop
	// others drop
	// address keep
	// size_bytes keep
	// tags keep
}
