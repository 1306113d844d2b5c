package store

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestStreamsBoundAllAndEachCollection(t *testing.T) {
	synctest.Test(t, streamsBoundAllAndEachCollection) // no wait is real
}

func streamsBoundAllAndEachCollection(t *testing.T) {
	const most = 5
	streams := NewLimiter(most)
	var mu sync.Mutex
	busy, on, highest := 0, map[string]int{}, 0
	var group sync.WaitGroup
	for range 40 {
		group.Go(func() {
			for range 20 {
				collections := []string{"agent", fmt.Sprint("n", rand.IntN(3))}[rand.IntN(2):]
				if !streams.enter(context.Background(), collections...) {
					t.Error("not let in")
				}
				mu.Lock()
				busy++
				highest = max(highest, busy)
				for _, c := range collections {
					if on[c]++; on[c] > perCollection {
						t.Errorf("%d calls on %s", on[c], c)
					}
				}
				mu.Unlock()
				time.Sleep(time.Duration(rand.IntN(300)) * time.Microsecond)
				mu.Lock()
				busy--
				for _, c := range collections {
					on[c]--
				}
				mu.Unlock()
				streams.leave(collections...)
			}
		})
	}
	group.Wait()
	if highest > most || highest < 3 {
		t.Errorf("at most %d calls at once, want up to %d", highest, most)
	}
	for range perCollection {
		streams.enter(context.Background(), "a")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if streams.enter(ctx, "b", "a") {
		t.Error("a third call was let in on one collection")
	}
	if !streams.enter(context.Background(), "b") {
		t.Error("a wait that ended took room with it")
	}
}
