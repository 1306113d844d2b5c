package main

import (
	"context"

	"customercare/infra/bench/binaries"
	"customercare/infra/bench/result"
	"customercare/infra/bench/setup"
	"customercare/infra/bench/warm"
)

// measurement yields the figures of some tables.
type measurement struct {
	name    string
	tables  []int
	measure func(context.Context, setup.Setup) (result.Measured, error)
}

// measurements in their order.
var measurements = []measurement{
	{"start and size", []int{1, 2}, binaries.Measure},
	{"warm invocations", []int{4}, warm.Measure},
}
