package units

import (
	"context"
	"fmt"
	"path/filepath"

	"customercare/infra/bench/result"
	"customercare/infra/bench/setup"
	"customercare/infra/local/template"
	"customercare/shared/store"
)

// The goals of the tables. Those of table 3 are for round trips of the request, and for units where there is nothing behind it.
const (
	mostTrips = 6   // of operation 3 with as many transactions as one batch takes
	mostCost  = 1.1 // times the bound's
)

// Measure yields tables 3 and 10. Floor is the bound with evidence (bound.go); the bare one is among the other figures.
func Measure(ctx context.Context, s setup.Setup) (result.Measured, error) {
	s.Say("counts round trips and units of every operation")
	all, err := Scenario(ctx, s)
	if err != nil {
		return result.Measured{}, err
	}
	template, err := template.Load(filepath.Join(s.Root, "template.yaml"), nil)
	if err != nil {
		return result.Measured{}, err
	}
	return figures(all, template)
}

func figures(all []Operation, template *template.Template) (m result.Measured, err error) {
	p, err := readPrices()
	if err != nil {
		return m, err
	}
	var costs []result.Figure
	for _, o := range all {
		if len(o.Request) == 0 {
			continue // the authorizer whose answer API Gateway has kept: its note tells
		}
		m.Figures = append(m.Figures, o.trips(), o.units())
		cost, err := o.cost(p, template)
		if err != nil {
			return m, err
		}
		costs = append(costs, cost)
	}
	costs[0].Note = fmt.Sprintf("Prices of %s, read on %s (units/prices.json). All of the table is DynamoDB alone, but for what is all in: "+
		"with Lambda, for assumed durations, and API Gateway.", p.Region, p.Read)
	m.Figures[0].Note += " The lower bounds are those with evidence; the bare ones make the deletions alone (units/bound.go)."
	m.Figures = append(m.Figures, costs...)
	return m, nil
}

// equal says whether the operation's goal is to take no more than its bound.
func (o Operation) equal() bool {
	switch o.Function {
	case "delete-customer-info", "set-temporary-allow", "authorize-operator", "authorize-app":
		return true
	}
	return false
}

// trips is the round trips that the caller waits for.
func (o Operation) trips() result.Figure {
	request, background := o.Counted()
	f := result.Figure{
		Table: 3, Case: o.Name + ": round trips", Ours: float64(request.Trips), Floor: float64(o.Evident.Request.Trips), Met: true, Runs: 1,
		Also: []result.Number{{Name: "bare bound", Value: float64(o.Bare.Request.Trips)}},
	}
	f.Ratio = f.Ours / f.Floor
	if background.Trips > 0 {
		f.Also = append(f.Also, result.Number{Name: "in the background", Value: float64(background.Trips)},
			result.Number{Name: "its bound", Value: float64(o.Evident.Background.Trips)})
	}
	switch {
	case o.equal():
		f.Goal, f.Met = "equal", f.Ours == f.Floor
	case o.OneBatch:
		f.Goal, f.Met = "<= 6", request.Trips <= mostTrips
	}
	switch {
	case o.Function == forCustomer && background.Trips > 0:
		f.Note = fmt.Sprintf("The bounds of round trips delete 100 items in a transaction, two units each. Ours deletes up to %d so, and more in batches, "+
			"one unit each; and it reads once more, because a writer may have come in between.", store.FewRecords)
	case o.Function == "authorize-operator":
		f.Note = "None while API Gateway has kept the authorizer's answer, for 300 s."
	}
	return f
}

// units is the write units of the request and the background together, or the read units of what writes nothing.
func (o Operation) units() result.Figure {
	request, background := o.Counted()
	ours, bare, evident := request.Plus(background), o.Bare.Total(), o.Evident.Total()
	f := result.Figure{Table: 3, Case: o.Name + ": write units", Unit: "WRU", Ours: ours.Writes, Floor: evident.Writes, Met: true, Runs: 1}
	f.Also = []result.Number{{Name: "bare bound", Value: bare.Writes}, {Name: "read units", Value: ours.Reads}, {Name: "their bound", Value: evident.Reads}}
	if ours.Writes == 0 {
		f.Case, f.Unit, f.Ours, f.Floor = o.Name+": read units", "RRU", ours.Reads, evident.Reads
		f.Also = []result.Number{{Name: "bare bound", Value: bare.Reads}}
	}
	if f.Floor > 0 { // a repeat writes where its bound reads
		f.Ratio = f.Ours / f.Floor
	}
	if o.equal() {
		f.Goal, f.Met = "equal", f.Ours == f.Floor
	}
	return f
}

// cost is what DynamoDB costs for a million calls.
func (o Operation) cost(p prices, template *template.Template) (result.Figure, error) {
	request, background := o.Counted()
	ours, evident, bare := p.database(request.Plus(background)), p.database(o.Evident.Total()), p.database(o.Bare.Total())
	all, err := p.all(o, template)
	if err != nil {
		return result.Figure{}, err
	}
	f := result.Figure{
		Table: 10, Case: o.Name, Unit: "USD", Ours: ours, Floor: evident, Ratio: ours / evident, Met: true, Runs: 1,
		Also: []result.Number{
			{Name: "bare bound", Value: bare, Unit: "USD"}, {Name: "ours to it", Value: ours / bare, Unit: "x"}, {Name: "all in", Value: all, Unit: "USD"},
		},
	}
	if o.Function != "cleanup" {
		f.Goal, f.Met = "<= 1.1x", f.Ratio <= mostCost
	}
	if !f.Met {
		f.Note = o.Because
	}
	return f, nil
}
