package units

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"customercare/infra/project"

	"customercare/infra/local/template"
)

// prices are in USD.
type prices struct {
	Read, Region string
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

func readPrices() (p prices, err error) {
	root, err := project.Root()
	if err != nil {
		return p, err
	}
	list, err := os.ReadFile(filepath.Join(root, "infra", "bench", "prices.json"))
	if err != nil {
		return p, err
	}
	return p, json.Unmarshal(list, &p)
}

// database is what DynamoDB costs for a million times c, in USD.
func (p prices) database(c Count) float64 { return c.Writes*p.Writes + c.Reads*p.Reads }

// all is what a million calls of the operation cost together, in USD: DynamoDB; the function's invocation, its workers' and
// their durations, each assumed; API Gateway's request where a caller makes one. An authorizer is an operation of its own here.
func (p prices) all(o Operation, t *template.Template) (float64, error) {
	request, background := o.Counted()
	cost := p.database(request.Plus(background))
	function, known := t.Function(o.Function)
	if !known {
		return 0, fmt.Errorf("no function %s", o.Function)
	}
	own := 0.
	if o.Function == "authorize-operator" {
		own = p.Assumed.PasswordHash
	}
	cost += p.invocations(1, request.Trips, own, function.MemoryMB)
	if o.Workers > 0 {
		worker, known := t.Function(worker)
		if !known {
			return 0, fmt.Errorf("no function of workers")
		}
		cost += p.invocations(o.Workers, background.Trips, 0, worker.MemoryMB)
	}
	if o.ByCaller {
		cost += p.Requests
	}
	return cost, nil
}

// invocations is what Lambda costs for a million times so many invocations with so many round trips in all.
func (p prices) invocations(n, trips int, own float64, megabytes int) float64 {
	seconds := (float64(n)*p.Assumed.Invocation + float64(trips)*p.Assumed.RoundTrip + own) / 1000
	return float64(n)*p.Invocations + 1e6*seconds*float64(megabytes)/1024*p.GBSecond
}
