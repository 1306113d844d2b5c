package bench_test

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"customercare/infra/bench"
	"customercare/infra/local/engine"
)

// clientTransactions is how many every customer has.
const clientTransactions = 3

// clientGoals is how many customers a second are to be erased, by the number of clients.
var clientGoals = map[int]float64{1: 236, 8: 236, 32: 330}

// clientLoad is so many clients, each of which sends its next request when it has its
// answer.
type clientLoad struct{ clients, requests int }

func (l clientLoad) name() string { return fmt.Sprintf("%d at once", l.clients) }

// clients is how many customers a second are erased over HTTP on the whole local stack,
// beside the same deletions, of as many customers at once, without HTTP and without an
// invocation for each. Each load has a stack and an engine of its own: the engine gets
// slower with every record that its streams have had, so a later load would look worse
// than it is.
func (p plan) clients(ctx context.Context, b *Bench) (all []bench.Figure, err error) {
	for i, l := range p.clientLoads {
		database, err := engine.Start(ctx, engine.Options{})
		if err != nil {
			return nil, err
		}
		own := *b
		own.Endpoint = database.Endpoint
		figures, err := p.clientsAtOnce(ctx, &own, l, i == len(p.clientLoads)-1)
		database.Close()
		if err != nil {
			return nil, err
		}
		all = append(all, figures...)
	}
	return all, nil
}

// clientsAtOnce is the figure of one load, and with memory also what each function took
// at most under it.
func (p plan) clientsAtOnce(
	ctx context.Context, b *Bench, l clientLoad, memory bool,
) (all []bench.Figure, err error) {
	s, err := b.whole(ctx, "clients")
	if err != nil {
		return nil, err
	}
	defer s.close()
	b.Say("erasing customers over HTTP, %d rounds, %s", p.clientRounds, l.name())
	var middle, slowest []float64 // of each round, in milliseconds
	r := race{
		items: l.requests, table: "Customers",
		fill: func(codes []string) error { return s.fillCustomers(ctx, clientTransactions, codes...) },
		ours: func(codes []string) (time.Duration, error) {
			inAll, took, err := s.attack(ctx, codes, l.clients)
			middle, slowest = append(middle, median(took)), append(slowest, quantile(took, 0.99))
			return inAll, err
		},
		floor: func(codes []string) (time.Duration, error) {
			return s.runFloor(ctx, len(codes)*(1+clientTransactions), s.floorCommand(l.clients, codes...))
		},
	}
	r.name = fmt.Sprint("warm-up-", l.clients) // what is new is slow
	if _, err := s.run(ctx, r, 1); err != nil {
		return nil, err
	}
	middle, slowest, r.name = nil, nil, fmt.Sprint("measured-", l.clients)
	seconds, err := s.run(ctx, r, p.clientRounds)
	if err != nil {
		return nil, err
	}
	figure := seconds.rates(l.requests).figure("clients", l.name(), "customers/s")
	goal := clientGoals[l.clients]
	figure.Goal, figure.Met = fmt.Sprintf(">= %.0f customers/s", goal), figure.Ours >= goal
	figure.Also = []bench.Number{{Name: "p50", Value: median(middle), Unit: "ms"}, {Name: "p99", Value: median(slowest), Unit: "ms"}}
	if all = append(all, figure); memory {
		all = append(all, b.memory("many clients")...)
	}
	return all, nil
}

// attack deletes each customer once, by so many clients at once. An answer that does not
// say so is an error. inAll is from the first request to the last answer, took what each
// answer took in milliseconds.
func (s *site) attack(
	ctx context.Context, codes []string, clients int,
) (inAll time.Duration, took []float64, err error) {
	took = make([]float64, len(codes))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(clients)
	began := time.Now()
	for i, code := range codes {
		group.Go(func() error {
			asked := time.Now()
			err := s.remove(ctx, code)
			took[i] = milliseconds(time.Since(asked))
			return err
		})
	}
	err = group.Wait()
	return time.Since(began), took, err
}
