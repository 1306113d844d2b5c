package bench_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"customercare/infra/bench"
)

// startAtMost is the goal: so many times a hello with the same SDK clients.
const startAtMost = 1.15

// starts is how long the functions take from the start of the process to the first
// question for work, each beside its floor in the very same environment, in rounds in
// which every program is started once. The first round, which fills the page cache, does
// not count.
func (p plan) starts(ctx context.Context, b *Bench) (all []bench.Figure, err error) {
	var mu sync.Mutex
	now := ""                      // the program that is invoked
	took := map[string][]float64{} // by program, in ms
	told := *b
	told.started = func(_ string, d time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		took[now] = append(took[now], milliseconds(d))
	}
	ran, err := told.start(ctx, "starts", true, bench.Hellos...)
	if err != nil {
		return nil, err
	}
	defer ran.close()
	bare := bench.Hello + "/" + ran.Template.Functions[0].Folder
	programs := []string{bare}
	for _, f := range ran.Template.Functions {
		floor, _ := bench.HelloOf(f)
		programs = append(programs, f.Folder, floor+"/"+f.Folder)
	}
	for round := range p.startRounds {
		for i := range programs {
			name := programs[(i+round)%len(programs)] // none always comes after the same other
			mu.Lock()
			now = name
			mu.Unlock()
			// It may answer what it wants to an event that means nothing.
			_, _ = ran.invoke(ctx, name, []byte(`{}`))
			ran.kill(name)
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
		}
	}
	for _, name := range programs {
		// A start too few or too many would put times of other moments beside each other.
		if len(took[name]) != p.startRounds {
			return nil, fmt.Errorf("%s started %d times in %d rounds", name, len(took[name]), p.startRounds)
		}
		took[name] = took[name][1:]
	}
	for _, function := range ran.Template.Functions {
		floor, against := bench.HelloOf(function)
		f := pairs{took[function.Folder], took[floor+"/"+function.Folder]}.figure("start", function.Folder, "ms").AtMost(startAtMost)
		f.Against, f.Also = against, []bench.Number{{Name: "a bare lambda.Start", Value: median(took[bare]), Unit: "ms"}}
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b bench.Figure) int { return strings.Compare(a.Case, b.Case) })
	return all, nil
}
