// Package clients measures how many customers are erased a second over HTTP on the whole local stack (table 7), and the memory
// of the functions that did it (table 9).
package clients

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"customercare/infra/bench/erase/bed"
	"customercare/infra/bench/result"
	"customercare/infra/bench/setup"
	"customercare/infra/local/engine"
)

// transactions is how many every customer has.
const transactions = 3

// vault is how many customers a second an existing Go privacy vault with a relational store erased on such a machine, and
// what is to be reached with as many clients. Between the two it has no figure of its own: the smaller one counts.
var vault = map[int]float64{1: 236, 8: 236, 32: 330}

// vaultMeasured are the clients that the vault itself was measured with.
var vaultMeasured = []int{1, 32}

// plan is how often and how much is erased.
type plan struct {
	rounds int // pairs of ours and the floor's
	loads  []load
}

// load is so many clients, each of which sends its next request when it has its answer.
type load struct{ clients, requests int }

func (l load) name() string {
	if l.clients == 1 {
		return "1 client"
	}
	return fmt.Sprintf("%d clients", l.clients)
}

var full = plan{rounds: 5, loads: []load{{1, 250}, {8, 400}, {32, 400}}}

// Measure fills table 7, and 9 under it.
//
// It has an engine of its own: a DynamoDB Local that has made a few thousand transactions before is half as fast at them.
func Measure(ctx context.Context, s setup.Setup) (result.Measured, error) {
	database, err := engine.Start(ctx, engine.Options{CacheDir: filepath.Join(s.Root, ".cache")})
	if err != nil {
		return result.Measured{}, err
	}
	defer database.Close()
	s.Endpoint = database.Endpoint
	return full.measure(ctx, s)
}

func (p plan) measure(ctx context.Context, s setup.Setup) (all result.Measured, err error) {
	b, err := bed.Start(ctx, s, "clients-")
	if err != nil {
		return all, err
	}
	defer b.Close()
	floor, err := bed.StartFloor(ctx, s, "clients")
	if err != nil {
		return all, err
	}
	defer floor.Close()
	var at struct{ URL string }
	if err := floor.Ask(struct{ Table string }{b.Table("Customers")}, &at); err != nil {
		return all, err
	}
	stage := stage{db: b.DynamoDB(), table: b.Table("Customers"), ledger: b.Table("Erasures"), principals: b.Table("Principals"), ours: b.URL + bed.DeletePath, floor: at.URL}
	most := slices.MaxFunc(p.loads, func(a, b load) int { return a.clients - b.clients })
	s.Say("erasing customers over HTTP, %d rounds with up to %s", p.rounds, most.name())
	for round := range 2 { // what is new is slow: processes, connections, DynamoDB Local's code
		if _, err := stage.pair(ctx, most, fmt.Sprint("warm-", round), round); err != nil {
			return all, err
		}
	}
	pairs := map[load][]pair{}
	for round := range p.rounds {
		for _, l := range p.loads {
			measured, err := stage.pair(ctx, l, fmt.Sprint(round), round)
			if err != nil {
				return all, err
			}
			pairs[l] = append(pairs[l], measured)
		}
	}
	curves := []result.Curve{{
		Picture: "customers-a-second", Title: "Customers erased over HTTP, 3 transactions each", XAxis: "clients", YAxis: "customers a second", Name: "ours",
	}, {Picture: "customers-a-second", Name: "floor"}, {Picture: "customers-a-second", Name: "a privacy vault with a relational store"}}
	for _, l := range p.loads {
		toVault, toFloor := figures(l, pairs[l])
		alone, err := stage.alone(ctx, l)
		if err != nil {
			return all, err
		}
		explain(&toVault, alone)
		all.Figures = append(all.Figures, toVault, toFloor)
		for i, y := range []float64{toFloor.Ours, toFloor.Floor, vault[l.clients]} {
			if i == 2 && !slices.Contains(vaultMeasured, l.clients) {
				continue
			}
			curves[i].X, curves[i].Y = append(curves[i].X, float64(l.clients)), append(curves[i].Y, y)
		}
	}
	all.Figures = append(all.Figures, b.Memory("up to "+most.name())...)
	all.Curves = slices.DeleteFunc(curves, func(c result.Curve) bool { return len(c.X) == 0 })
	return all, nil
}

// figures compare ours with the vault and with the floor.
func figures(l load, pairs []pair) (toVault, toFloor result.Figure) {
	var ours, floor, ratios, latencies, slowest []float64
	for _, p := range pairs {
		ours, floor, ratios = append(ours, p.ours.rate), append(floor, p.floor.rate), append(ratios, p.ours.rate/p.floor.rate)
		latencies, slowest = append(latencies, result.Median(p.ours.latencies)), append(slowest, result.Quantile(p.ours.latencies, 0.99))
	}
	rate := result.Median(ours)
	toFloor = result.Figure{
		Table: 7, Case: l.name(), Unit: "customers/s", Ours: rate, Floor: result.Median(floor),
		Ratio: result.Median(ratios), Runs: len(pairs), Met: true,
	}
	toVault = toFloor
	toVault.Against, toVault.Floor = "the vault", vault[l.clients]
	toVault.Ratio = rate / toVault.Floor
	toVault.Goal, toVault.Met = fmt.Sprintf(">= %.0f", toVault.Floor), rate >= toVault.Floor
	toVault.Also = []result.Number{{Name: "p50", Value: result.Median(latencies), Unit: "ms"}, {Name: "p99", Value: result.Median(slowest), Unit: "ms"}}
	return toVault, toFloor
}

// stage is where customers are erased.
type stage struct {
	db                        *dynamodb.Client
	table, ledger, principals string
	ours, floor               string // addresses
}

// pair is one load on ours and on the floor.
type pair struct{ ours, floor run }

// pair loads as many customers for each as there are requests, and lets the clients at them; who is first changes by round.
func (s stage) pair(ctx context.Context, l load, name string, round int) (p pair, err error) {
	sides := []struct {
		name, url string
		run       *run
	}{{"ours", s.ours, &p.ours}, {"floor", s.floor, &p.floor}}
	if round%2 == 1 {
		slices.Reverse(sides)
	}
	for _, side := range sides {
		codes := make([]string, l.requests)
		for i := range codes {
			codes[i] = fmt.Sprintf("%s-%d-%s-%d", side.name, l.clients, name, i)
		}
		if err := bed.FillCustomers(ctx, s.db, s.table, codes, transactions); err != nil {
			return p, err
		}
		if *side.run, err = attack(ctx, side.url, codes, l.clients); err != nil {
			return p, fmt.Errorf("%s, %s: %w", side.name, l.name(), err)
		}
	}
	return p, s.nothingLeft(ctx)
}
