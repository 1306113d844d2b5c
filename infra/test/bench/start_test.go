package bench_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"customercare/infra/bench"
)

// startAtMost is the goal: so many times a hello with the same SDK clients.
const startAtMost = 1.2

// The floors of a start, by folder: a bare lambda.Start; one that also has made the
// client of DynamoDB and connected it, as every function has before its first question
// for work; and one that also has read the keys of the digests, which two functions need.
const hello, helloClient, helloKeys = "hello", "hello-client", "hello-keys"

// starts is how long the functions take from the start of the process to the first
// question for work, in rounds in which every program is started once. The first round,
// which fills the page cache, does not count.
func (p plan) starts(ctx context.Context, b *Bench) (all []bench.Figure, err error) {
	var mu sync.Mutex
	took := map[string][]float64{} // by folder, in ms
	floors := []string{hello, helloClient, helloKeys}
	told := *b
	told.started = func(folder string, d time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		took[folder] = append(took[folder], milliseconds(d))
	}
	ran, err := told.start(ctx, "starts", true, floors...)
	if err != nil {
		return nil, err
	}
	defer ran.close()
	folders := slices.Clone(floors)
	for _, f := range ran.Template.Functions {
		folders = append(folders, f.Folder)
	}
	slices.Sort(folders[len(floors):])
	for round := range p.startRounds {
		for i := range folders {
			folder := folders[(i+round)%len(folders)] // none always comes after the same other
			name := folder
			if slices.Contains(floors, folder) {
				name += "/delete-customer"
			}
			// It may answer what it wants to an event that means nothing.
			_, _ = ran.invoke(ctx, name, []byte(`{}`))
			ran.kill(name)
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
		}
	}
	for _, folder := range folders {
		// A start too few or too many would put times of other moments beside each other.
		if len(took[folder]) != p.startRounds {
			return nil, fmt.Errorf("%s started %d times in %d rounds", folder, len(took[folder]), p.startRounds)
		}
		took[folder] = took[folder][1:]
	}
	for _, folder := range folders[len(floors):] {
		function, _ := ran.Template.Function(folder)
		floor, against := helloClient, "a hello with the same client"
		if function.Environment["DIGEST_KEYS"] != "" {
			floor, against = helloKeys, "a hello with the same clients, that reads the keys, too"
		}
		f := pairs{took[folder], took[floor]}.figure("start", folder, "ms").AtMost(startAtMost)
		f.Against, f.Also = against, []bench.Number{{Name: "a bare lambda.Start", Value: median(took[hello]), Unit: "ms"}}
		all = append(all, f)
	}
	return all, nil
}
