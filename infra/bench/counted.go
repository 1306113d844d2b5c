package bench

import (
	"fmt"
	"path/filepath"

	"customercare/infra/local/template"
)

// Count is what calls of DynamoDB take together. Reads and Writes are request units,
// those of indexes included.
type Count struct {
	Trips  int     `json:"trips,omitzero"`
	Reads  float64 `json:"reads,omitzero"`
	Writes float64 `json:"writes,omitzero"`
}

// Plus is both.
func (c Count) Plus(other Count) Count {
	return Count{c.Trips + other.Trips, c.Reads + other.Reads, c.Writes + other.Writes}
}

// Bound is the least that an operation can take, of each figure by itself: the way with
// the fewest round trips need not be the one with the fewest units.
type Bound struct {
	Request    Count `json:"request,omitzero"`    // while the caller waits
	Background Count `json:"background,omitzero"` // until the erasure's record stands
}

// Total is both parts together.
func (b Bound) Total() Count { return b.Request.Plus(b.Background) }

// Counted is what one call of an operation takes of DynamoDB. infra/test/units counts it
// with the real binaries, and holds units.json against what it has counted.
type Counted struct {
	Name       string `json:"name"`
	Function   string `json:"function"`         // that answers
	Request    Count  `json:"request,omitzero"` // while the caller waits, the authorizer's left out
	Background Count  `json:"background,omitzero"`
	Workers    int    `json:"workers,omitzero"`  // invocations in the background
	Bare       Bound  `json:"bare,omitzero"`     // of the deletions alone
	Evident    Bound  `json:"evident,omitzero"`  // of what the promises need besides
	ByCaller   bool   `json:"byCaller,omitzero"` // a caller asks, through API Gateway
}

// UnitsFile is where the counted figures are, from the repository's root.
const UnitsFile = "infra/bench/units.json"

// ReadCounted reads the counted figures of the repository at root.
func ReadCounted(root string) (all []Counted, err error) {
	err = readJSON(filepath.Join(root, filepath.FromSlash(UnitsFile)), &all)
	return all, err
}

// Prices is infra/bench/prices.json as far as calls are concerned, in USD. docs/scale.md
// uses the rest of the list.
type Prices struct {
	Read, Region string // when and for which region they were read
	Sources      []string
	Writes       float64 `json:"dynamoDBWritesPerMillion"`
	Reads        float64 `json:"dynamoDBReadsPerMillion"`
	Invocations  float64 `json:"lambdaRequestsPerMillion"`
	GBSecond     float64 `json:"lambdaGBSecond"`
	Requests     float64 `json:"apiGatewayRequestsPerMillion"`
	Assumed      struct {
		Invocation   float64 `json:"millisecondsOfInvocation"`
		RoundTrip    float64 `json:"millisecondsOfRoundTrip"`
		PasswordHash float64 `json:"millisecondsOfPasswordHash"` // argon2id on a full core
	}
}

// ReadPrices reads the price list of the repository at root.
func ReadPrices(root string) (p Prices, err error) {
	err = readJSON(filepath.Join(root, "infra", "bench", "prices.json"), &p)
	return p, err
}

// Database is what DynamoDB costs for a million times c.
func (p Prices) Database(c Count) float64 { return c.Writes*p.Writes + c.Reads*p.Reads }

// All is what a million calls of the operation cost together: DynamoDB; the function's
// invocation, its workers' and their durations, each assumed; API Gateway's request where
// a caller makes one. An authorizer is an operation of its own here.
func (p Prices) All(c Counted, t *template.Template) (float64, error) {
	function, known := t.Function(c.Function)
	worker, workers := t.Function("continue-erasure")
	if !known || !workers {
		return 0, fmt.Errorf("no function %s, or none of workers", c.Function)
	}
	hashing := 0. // ms
	if c.Function == "authorize-operator" {
		hashing = p.Assumed.PasswordHash
	}
	cost := p.Database(c.Request.Plus(c.Background)) + p.invocations(1, c.Request.Trips, hashing, function.MemoryMB)
	if c.Workers > 0 {
		cost += p.invocations(c.Workers, c.Background.Trips, 0, worker.MemoryMB)
	}
	if c.ByCaller {
		cost += p.Requests
	}
	return cost, nil
}

// invocations is what Lambda costs for a million times so many invocations with so many
// round trips in all, and so many milliseconds of processor time.
func (p Prices) invocations(n, trips int, milliseconds float64, megabytes int) float64 {
	seconds := (float64(n)*p.Assumed.Invocation + float64(trips)*p.Assumed.RoundTrip + milliseconds) / 1000
	return float64(n)*p.Invocations + 1e6*seconds*float64(megabytes)/1024*p.GBSecond
}
