package bench

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// startAtMost is the goal: so many times a hello with the same SDK clients.
const startAtMost = 1.2

// The floors of a start, by folder: a bare lambda.Start; one that also has made the client of
// DynamoDB and connected it, as every function has before its first question for work; and one
// that also has read the keys of the digests, which two functions need.
const hello, helloClient, helloKeys = "hello", "hello-client", "hello-keys"

// starts is how long the functions take from the start of the process to the first question
// for work, in rounds in which every program is started once. The first round, which fills the
// page cache, does not count.
func (p plan) starts(ctx context.Context, b *Bench) (all []Figure, err error) {
	var mu sync.Mutex
	took := map[string][]float64{} // by folder, in ms
	floors := []string{hello, helloClient, helloKeys}
	told := *b
	told.started = func(folder string, d time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		took[folder] = append(took[folder], milliseconds(d))
	}
	ran, end, err := told.alone(ctx, "starts", floors...)
	if err != nil {
		return nil, err
	}
	defer end()
	folders := slices.Clone(floors)
	keys := map[string]bool{} // whether a function reads the digest keys
	for _, f := range ran.Template.Functions {
		folders = append(folders, f.Folder)
		keys[f.Folder] = f.Environment["DIGEST_KEYS"] != ""
	}
	slices.Sort(folders[len(floors):])
	for round := range p.startRounds {
		for i := range folders {
			folder := folders[(i+round)%len(folders)] // none always comes after the same other
			service, name := ran.functions, folder
			if slices.Contains(floors, folder) {
				service, name = ran.floors, folder+"/delete-customer"
			}
			// Whatever the answer to an event that means nothing is: the process has started.
			_, _ = service.Request(ctx, name, []byte(`{}`))
			service.Kill(name)
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
		}
	}
	for _, folder := range folders[len(floors):] {
		floor, against := helloClient, "a hello with the same client"
		if keys[folder] {
			floor, against = helloKeys, "a hello with the same clients, that reads the keys, too"
		}
		rounds := min(len(took[folder]), len(took[floor]), len(took[hello]))
		if rounds < 2 {
			return nil, fmt.Errorf("%s or %s did not start", folder, floor)
		}
		f := pairs{took[folder][1:rounds], took[floor][1:rounds]}.figure("start", folder, "ms").atMost(startAtMost)
		f.Against, f.Also = against, []Number{{"a bare lambda.Start", median(took[hello][1:rounds]), "ms"}}
		all = append(all, f)
	}
	return all, nil
}
