package bench

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"customercare/infra/local/engine"
)

// clientTransactions is how many every customer has.
const clientTransactions = 3

// vault is how many customers a second an existing Go privacy vault with a relational
// store erased on such a machine, by clients: what is to be reached. It was measured with
// 1 and with 32; between the two the smaller one counts.
var vault = map[int]float64{1: 236, 8: 236, 32: 330}

// clientLoad is so many clients, each of which sends its next request when it has its
// answer.
type clientLoad struct{ clients, requests int }

func (l clientLoad) name() string { return fmt.Sprintf("%d at once", l.clients) }

// clients is how many customers a second are erased over HTTP on the whole local stack,
// beside the goal and beside the same deletions by as many goroutines without HTTP and
// Lambda.
//
// It has an engine of its own: one that has made a few thousand transactions before is
// slower.
func (p plan) clients(ctx context.Context, b *Bench) (all []Figure, err error) {
	database, err := engine.Start(ctx, engine.Options{CacheDir: filepath.Join(b.Root, ".cache")})
	if err != nil {
		return nil, err
	}
	defer database.Close()
	own := *b
	own.Endpoint = database.Endpoint
	s, err := own.site(ctx, "clients", eraseFloor)
	if err != nil {
		return nil, err
	}
	defer s.close()
	for _, l := range p.clientLoads {
		b.Say("erasing customers over HTTP, %d rounds, %s", p.clientRounds, l.name())
		var rates pairs
		var middle, slowest []float64
		for round := range 1 + p.clientRounds {
			ours, floor, took, err := s.clientPair(ctx, l, round)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", l.name(), err)
			}
			if round > 0 { // the first is for what is slow when it is new
				rates.add(ours, floor)
				middle, slowest = append(middle, median(took)), append(slowest, quantile(took, 0.99))
			}
		}
		toFloor := rates.figure("clients", l.name(), "customers/s")
		toVault := toFloor
		toVault.Against, toVault.Floor = "the vault", vault[l.clients]
		toVault.Ratio = toVault.Ours / toVault.Floor
		toVault.Goal, toVault.Met = fmt.Sprintf(">= %.0f", toVault.Floor), toVault.Ours >= toVault.Floor
		toVault.Also = []Number{{"p50", median(middle), "ms"}, {"p99", median(slowest), "ms"}}
		all = append(all, toVault, toFloor)
	}
	return append(all, own.memory("many clients")...), nil
}

// clientPair erases as many customers in each way as there are requests; who is first
// changes by round. ours and floor are customers a second, took what each answer took in
// milliseconds.
func (s *site) clientPair(ctx context.Context, l clientLoad, round int) (ours, floor float64, took []float64, err error) {
	fill := func(side string) ([]string, error) {
		codes := make([]string, l.requests)
		for i := range codes {
			codes[i] = fmt.Sprintf("%s-%d-%d-%d", side, l.clients, round, i)
		}
		return codes, s.fillCustomers(ctx, clientTransactions, codes...)
	}
	err = inTurn(round, func() error {
		codes, err := fill(oursSide)
		if err == nil {
			ours, took, err = s.attack(ctx, codes, l.clients)
		}
		return err
	}, func() error {
		codes, err := fill(theFloorSide)
		if err != nil {
			return err
		}
		began := time.Now()
		err = s.least(ctx, len(codes)*(1+clientTransactions), l.clients, codes...)
		floor = float64(len(codes)) / time.Since(began).Seconds()
		return err
	})
	if err == nil {
		err = s.nothingLeft(ctx, "Customers", "attribute_not_exists(tombstone)")
	}
	return ours, floor, took, err
}

// attack deletes each customer once, by so many clients at once. An answer that does not
// say so is an error. rate is customers a second, from the first request to the last
// answer.
func (s *site) attack(ctx context.Context, codes []string, clients int) (rate float64, took []float64, err error) {
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
	return float64(len(codes)) / time.Since(began).Seconds(), took, err
}
