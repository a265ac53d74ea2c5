package simulate_test

import (
	"fmt"
	"time"

	"github.com/hubspoke/observability/producers/simulate"
)

func Example() {
	world, err := simulate.New(simulate.Config{Accounts: 2, Seed: 7, Start: time.Date(2026, 3, 14, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 10 {
		world.Step()
	}
	// Anybody who knows the configuration and the step can make the same world.
	again, err := simulate.At(world.Config(), world.Steps())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(again.Steps(), len(again.Accounts()), again.Accounts()[0].Name)
	// Output: 10 2 payments-production
}
