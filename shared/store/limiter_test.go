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

// However many want to delete, no more calls are under way than may be, in all and on
// each collection; and who gives up waiting takes no room.
func TestLimiterBoundsAllAndEachCollection(t *testing.T) {
	synctest.Test(t, limiterBoundsAllAndEachCollection) // no wait is real
}

func limiterBoundsAllAndEachCollection(t *testing.T) {
	const atMost = 5
	limiter := NewLimiter(atMost)
	var mu sync.Mutex
	busy, on, highest := 0, map[string]int{}, 0
	var group sync.WaitGroup
	for range 40 {
		group.Go(func() {
			for range 20 {
				collections := []string{"agent", fmt.Sprint("n", rand.IntN(3))}[rand.IntN(2):]
				if !limiter.enter(context.Background(), collections...) {
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
				limiter.leave(collections...)
			}
		})
	}
	group.Wait()
	if highest > atMost || highest < 3 {
		t.Errorf("at most %d calls at once, want up to %d", highest, atMost)
	}
	for range perCollection {
		limiter.enter(context.Background(), "a")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if limiter.enter(ctx, "b", "a") {
		t.Error("a third call was let in on one collection")
	}
	if !limiter.enter(context.Background(), "b") {
		t.Error("a wait that ended took room with it")
	}
}
