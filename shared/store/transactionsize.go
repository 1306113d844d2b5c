package store

import "sync"

// smallerAfter is how many times in a row DynamoDB may throttle a transaction of a size
// that it has taken before, until a smaller one is tried. A partition that many write to
// throttles most of what it takes a moment later, and smaller transactions are slower
// there. With maxAttempts this leaves enough tries to come down to a single action, and
// to wait with that.
const smallerAfter = 8

// transactionSizes is how many actions at once DynamoDB takes, as far as the transactions
// of one Erase have found out. Each group of contacts has a groupSize of its own, because
// one group may be larger, or meet a busier partition, than the others.
type transactionSizes struct {
	mu     sync.Mutex
	start  int // what a new group begins with
	atMost int // what is not invalid
}

// newTransactionSizes begins with as many actions as a transaction can have.
func newTransactionSizes() *transactionSizes {
	return &transactionSizes{start: transactionSize, atMost: transactionSize}
}

// groupSize is how many actions the next transaction of a group may have. It begins with
// what other groups have found out. What was taken makes the next ones twice as large at
// most. What is not taken makes them half as large: at once, if that size was never
// taken, and after smallerAfter times, if it was.
type groupSize struct {
	sizes   *transactionSizes
	next    int
	trusted int // the largest that has been taken, or that other groups have
}

// group is the size for a new group.
func (s *transactionSizes) group() *groupSize {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &groupSize{s, s.start, s.start}
}

// actions is how many actions the next transaction may have.
func (g *groupSize) actions() int {
	g.sizes.mu.Lock()
	defer g.sizes.mu.Unlock()
	return min(g.next, g.sizes.atMost)
}

// taken notes that DynamoDB has taken n actions at once.
func (g *groupSize) taken(n int) {
	g.next, g.trusted = max(g.next, 2*n), max(g.trusted, n)
	g.sizes.mu.Lock()
	defer g.sizes.mu.Unlock()
	g.sizes.start = max(g.sizes.start, n)
}

// throttled notes that n actions at once were throttled, as often as this in a row. They
// are halved for now: smaller ones that go through make the next ones larger again.
func (g *groupSize) throttled(n, inARow int) {
	if n <= g.trusted && inARow < smallerAfter {
		return
	}
	g.halve(n)
}

// invalid notes that n actions at once are invalid. No group tries as many again.
func (g *groupSize) invalid(n int) {
	half := g.halve(n)
	g.sizes.mu.Lock()
	defer g.sizes.mu.Unlock()
	g.sizes.atMost = min(g.sizes.atMost, half)
}

func (g *groupSize) halve(n int) int {
	half := max(1, n/2)
	g.next, g.trusted = min(g.next, half), min(g.trusted, half)
	g.sizes.mu.Lock()
	defer g.sizes.mu.Unlock()
	g.sizes.start = min(g.sizes.start, half)
	return half
}
