package dynamotest

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// gate lets a test's calls through until the test is over. Then the tables are another
// test's, and whatever goroutine the test left behind must not reach them.
type gate struct {
	next http.RoundTripper

	mu       sync.Mutex
	closed   bool
	underWay int
	lost     bool // whether a write was given up that DynamoDB may still carry out
}

var errOver = errors.New("dynamotest: the test of this client is over")

// reads are the actions that need no gate: they change nothing, whenever they are carried
// out.
var reads = []string{"GetItem", "BatchGetItem", "TransactGetItems", "Query", "Scan"}

func (g *gate) RoundTrip(r *http.Request) (*http.Response, error) {
	_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if slices.Contains(reads, action) {
		return g.next.RoundTrip(r)
	}
	if !g.enter() {
		return nil, errOver
	}
	answer, err := g.next.RoundTrip(r)
	g.leave(err)
	return answer, err
}

// enter lets a write begin, unless the gate is shut.
func (g *gate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.underWay++
	return true
}

// leave ends a write. An error means that DynamoDB may still carry it out.
func (g *gate) leave(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.underWay--
	g.lost = g.lost || err != nil
}

// shut ends the test's writes, and says whether all of them were answered.
func (g *gate) shut() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	return g.underWay == 0 && !g.lost
}
