package load

import (
	"fmt"
	"io"
	"math/rand/v2"
	"regexp"
	"strings"
	"sync"

	"github.com/tsenart/vegeta/v12/lib"

	"customercare/infra/client"
)

// The five operations, as the figures name them.
const (
	deleteInfo     = "delete customer info"
	setAllow       = "set a temporary allow"
	deleteCustomer = "delete a customer"
	cleanData      = "clean personal data"
	issueToken     = "token by AK/SK"
)

var operations = []string{deleteInfo, setAllow, deleteCustomer, cleanData, issueToken}

// call is one request with the answer it must get.
type call struct {
	client.Request
	kind   string // one of operations
	want   answer
	effect func(*book) // what is true from the answer on; nil: nothing
}

// answer is what comes back word for word, or with a body like pattern.
type answer struct {
	client.Expected
	pattern *regexp.Regexp
}

// The deck: what one round of calls consists of. Shares of it decide what each route is
// sent, see share.
const (
	perUser     = 8 // of each round, for operations 1 and 2 each: right ones that change a user
	newCodes    = 9
	cleansRound = 5
	tokensRound = 3
)

// plan makes calls: rounds of the same mix, each in another order, so that the rate of
// every route is even.
type plan struct {
	base     string
	m        material
	schedule *schedule // told of every call; nil: calls are due by the real clock

	mu     sync.Mutex
	random *rand.Rand
	round  []func() *call
	calls  []*call // all that were made; a result names its call by its index
	turn   map[string]int
}

func newPlan(base string, m material) *plan {
	return &plan{base: base, m: m, random: rand.New(rand.NewPCG(1, 1)), turn: map[string]int{}}
}

// deck is one round.
func (p *plan) deck() []func() *call {
	var all []func() *call
	add := func(n int, make func() *call) {
		for range n {
			all = append(all, make)
		}
	}
	add(perUser, p.deleteInfo)
	add(1, p.unknownUser)
	add(1, p.nobody)
	add(1, p.wrongPassword)
	add(perUser, p.setAllow)
	add(2, p.wrongAllow)
	add(newCodes, p.deleteCustomer)
	add(1, p.deleteAgain)
	add(1, p.unknownCode)
	add(1, p.wrongKey)
	add(cleansRound, p.clean)
	add(1, p.wrongToken)
	add(tokensRound, p.token)
	add(1, p.wrongSecret)
	return all
}

// share is the largest part of all calls that one method of one path gets, by the
// parameter that limits its rate.
func (p *plan) share() map[string]float64 {
	all := float64(len(p.deck()))
	return map[string]float64{
		"ProvisionRate": (perUser + 3) / 2. / all, "DeleteRate": (newCodes + 3) / 2. / all,
		"CleanRate": (cleansRound + 1) / all, "TokenRate": (tokensRound + 1) / all,
	}
}

// next is vegeta's Targeter. The call's index goes into the address's fragment, which
// stays in the result and is not sent.
func (p *plan) next(t *vegeta.Target) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.round) == 0 {
		p.round = p.deck()
		p.random.Shuffle(len(p.round), func(i, j int) { p.round[i], p.round[j] = p.round[j], p.round[i] })
	}
	c := p.round[0]()
	if c == nil {
		return io.EOF
	}
	p.round = p.round[1:]
	if p.schedule != nil {
		p.schedule.next()
	}
	t.Method, t.URL, t.Body = c.Method, fmt.Sprintf("%s%s#%d", p.base, c.Path, len(p.calls)), []byte(c.Body)
	t.Header = c.Header()
	p.calls = append(p.calls, c)
	return nil
}

// of is the call that a result belongs to.
func (p *plan) of(r *vegeta.Result) *call {
	_, fragment, _ := strings.Cut(r.URL, "#")
	var index int
	if _, err := fmt.Sscan(fragment, &index); err != nil {
		return nil // the targeter had no more
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls[index]
}

// turns counts the calls of a kind: 0, 1, 2, ...
func (p *plan) turns(kind string) int {
	p.turn[kind]++
	return p.turn[kind] - 1
}
