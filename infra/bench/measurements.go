package main

import (
	"context"

	"customercare/infra/bench/binaries"
	"customercare/infra/bench/clients"
	"customercare/infra/bench/erase"
	"customercare/infra/bench/result"
	"customercare/infra/bench/setup"
	"customercare/infra/bench/units"
	"customercare/infra/bench/warm"
)

// measurement yields the figures of some tables.
type measurement struct {
	name    string
	tables  []int
	measure func(context.Context, setup.Setup) (result.Measured, error)
}

// measurements in their order. Table 9 comes from several.
var measurements = []measurement{
	{"start and size", []int{1, 2}, binaries.Measure},
	{"units", []int{3, 10}, units.Measure},
	{"warm invocations", []int{4}, warm.Measure},
	{"clients", []int{7, 9}, clients.Measure},
	{"erasures", []int{5, 6, 9}, erase.Measure},
	{"the largest customer", []int{5, 9}, erase.MeasureLarge}, // last: it takes the time that is left
}
