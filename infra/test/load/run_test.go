package load

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"path/filepath"
	"strconv"
	"time"

	"customercare/infra/client"
	"customercare/infra/local/stack"
)

// options of a run.
type options struct {
	root, endpoint, tablePrefix string
	log                         io.Writer // lines of the functions
	rate                        int       // calls a second that the machine holds
	// The phases: the first is only for what is slow when it is new, at a third of rate,
	// then at rate, three times rate, rate.
	warmUp, steady, storm, recovery time.Duration
	latency                         time.Duration // the steady phase's p99 at most
	quick                           time.Duration // within which a storm's calls must be answered
	slack                           time.Duration // p99s below it count as it
	held                            float64       // part of the rate at which calls must really go out
	queueTimeout                    time.Duration // of a request that waits for a process of a function
	answer                          time.Duration // within which a client must have any answer; 0: clientPatience
	period                          time.Duration // of the API, for a function; 0: the stack's own
	sockets                         int           // that a function's process may have; 0: maxSockets
	schedule                        *schedule     // of a run that is counted in calls, which tests set
	// front, which tests set, puts something between clients and the API and gives its
	// address.
	front func(api string) (base string, closeIt func())
}

const (
	stormFactor = 3
	// headroom is what a route's limit allows beyond its share of the rate; half a
	// second's calls may come at once.
	headroom    = 1.2
	recoverWait = 10 * time.Second
	drainWait   = 5 * time.Minute
)

// run loads a stack of its own, and says what came of it. An error is a run that could
// not be made; whether what it saw is right is for the report to say.
func run(ctx context.Context, o options) (*report, error) {
	before := hold()
	r, err := onStack(ctx, o)
	if err != nil {
		return nil, err
	}
	r.before = before
	r.after, r.left = leftover(before)
	return r, nil
}

// onStack runs everything that needs the stack, which has ended when it returns.
func onStack(ctx context.Context, o options) (*report, error) {
	calls := float64(o.rate) * ((o.warmUp + o.steady + o.recovery).Seconds() + stormFactor*o.storm.Seconds())
	m := newMaterial(int(calls))
	parameters := map[string]string{"WriterLifetime": "4s", "ClockSkew": "1s", "GuessLimit": "1000000",
		"ThrottleBurst": strconv.Itoa(max(5, o.rate/2))}
	for name, share := range (&plan{}).share() {
		parameters[name] = strconv.Itoa(int(math.Ceil(share * headroom * float64(o.rate))))
	}
	heard := &alarms{}
	var clock func() time.Time
	if o.schedule != nil {
		clock = o.schedule.now
	}
	st, err := stack.Start(ctx, stack.Options{
		Root: o.root, Endpoint: o.endpoint, TablePrefix: o.tablePrefix, BinDir: filepath.Join(o.root, ".cache", "bin"),
		Log:           io.MultiWriter(o.log, heard),
		ScheduleEvery: time.Second, Parameters: parameters, QueueTimeout: o.queueTimeout, IntegrationPeriod: o.period,
		Now: clock,
	})
	if err != nil {
		return nil, err
	}
	defer st.Close()
	if err := m.load(ctx, st); err != nil {
		return nil, err
	}
	base := st.URL
	if o.front != nil {
		var closeFront func()
		base, closeFront = o.front(st.URL)
		defer closeFront()
	}
	transport := &http.Transport{MaxIdleConnsPerHost: maxClients}
	defer transport.CloseIdleConnections()
	sender := &http.Client{Transport: transport, Timeout: cmp.Or(o.answer, clientTimeout)}
	m.token, err = client.Client{Base: base, HTTP: sender}.Token(ctx, app, secret, "X-Token-Expire: 3600")
	if err != nil {
		return nil, err
	}
	before, err := readTables(ctx, st)
	if err != nil {
		return nil, err
	}

	r := &report{options: o, phases: []*phase{
		{name: "warm-up", rate: max(1, o.rate/3), lasts: o.warmUp},
		{name: "steady", rate: o.rate, lasts: o.steady},
		{name: "storm", rate: stormFactor * o.rate, lasts: o.storm},
		{name: "recovery", rate: o.rate, lasts: o.recovery},
	}}
	b, p := newBook(m), newPlan(base, m)
	p.schedule = o.schedule
	watched := make(chan []map[string]usage, 1)
	go func() { watched <- watch(ctx, o.warmUp, o.steady) }()
	for _, phase := range r.phases {
		if phase.lasts == 0 {
			continue
		}
		if err := phase.attack(ctx, p, sender, b); err != nil {
			return nil, err
		}
	}
	r.used = append(<-watched, inUse())
	draining, cancel := context.WithTimeout(ctx, drainWait)
	defer cancel()
	began := time.Now()
	ledger, err := drained(draining, st)
	if err != nil {
		return nil, err
	}
	r.drained = time.Since(began)
	after, err := readTables(ctx, st)
	if err != nil {
		return nil, err
	}
	r.outcome = b.compare(m, before, after, ledger)
	r.alarms = heard.heard() // before the stack ends its processes
	return r, nil
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f", float64(n)/(1<<20)) }
