package store

import "sync"

// smallerAfter is how many times in a row DynamoDB may throttle a transaction of a size
// that it takes otherwise before a smaller one is tried. A partition that many write to
// refuses most of what it takes a moment later, and what is made smaller goes slower
// there. It leaves enough of patience to come down to a single action and to wait with
// that.
const smallerAfter = 8

// bite is how many actions at once DynamoDB takes, as the transactions of one Erase have
// found out so far. Each group of contacts that goes together has a portion of its own,
// because one may be larger, or meet a busier partition, than the others.
type bite struct {
	mu    sync.Mutex
	start int // with what a group begins
	most  int // what is not invalid
}

// newBite begins with as many actions as a transaction can have at all.
func newBite() *bite { return &bite{start: transactionSize, most: transactionSize} }

// portion is how many actions one group's next transaction may have: as many as have
// gone through before, and twice that to see whether it goes. What was never taken is
// halved as soon as it is refused.
type portion struct {
	bite    *bite
	size    int
	trusted int // the largest that may still be taken when it is refused
}

func (b *bite) portion() *portion {
	b.mu.Lock()
	defer b.mu.Unlock()
	return &portion{b, b.start, b.start}
}

func (p *portion) actions() int {
	p.bite.mu.Lock()
	defer p.bite.mu.Unlock()
	return min(p.size, p.bite.most)
}

// taken is told that n actions at once went through.
func (p *portion) taken(n int) {
	p.size, p.trusted = max(p.size, 2*n), max(p.trusted, n)
	p.bite.mu.Lock()
	defer p.bite.mu.Unlock()
	p.bite.start = max(p.bite.start, n)
}

// throttled is told that n actions at once were, as often as this in a row. They are
// halved for now: smaller ones that go through make the next ones larger again.
func (p *portion) throttled(n, inARow int) {
	if n <= p.trusted && inARow < smallerAfter {
		return
	}
	p.halve(n)
}

// invalid is told that n actions at once are. No group tries as many again.
func (p *portion) invalid(n int) {
	half := p.halve(n)
	p.bite.mu.Lock()
	defer p.bite.mu.Unlock()
	p.bite.most = min(p.bite.most, half)
}

func (p *portion) halve(n int) int {
	half := max(1, n/2)
	p.size, p.trusted = min(p.size, half), min(p.trusted, half)
	p.bite.mu.Lock()
	defer p.bite.mu.Unlock()
	p.bite.start = min(p.bite.start, half)
	return half
}
