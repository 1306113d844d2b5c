// Package result is what a measurement yields, and how it is shown: a table, a JSON file, pictures of curves.
package result

import (
	"math"
	"slices"
)

// Figure is one line of the table. A figure of 0 was not measured and is shown as "-".
type Figure struct {
	Table   int      `json:"table"` // 1 to 10, see Titles
	Case    string   `json:"case"`  // "delete-customer", "1000 transactions", "8 clients"
	Unit    string   `json:"unit"`  // of Ours and Floor: "ms", "MB", "items/s", "WRU"
	Ours    float64  `json:"ours"`
	Floor   float64  `json:"floor"`   // what it is compared with; Against says what that is, when it is not the table's usual one
	Against string   `json:"against"` // "" or, for example, "boto3 batch_writer"
	Ratio   float64  `json:"ratio"`   // Ours through Floor, the median of the runs' own ratios where they were interleaved
	Goal    string   `json:"goal"`    // "<= 1.5x", "" where there is none
	Met     bool     `json:"met"`     // true where there is no goal
	Runs    int      `json:"runs"`    // interleaved pairs; 1 where one count says it all
	Also    []Number `json:"also"`    // other figures of the same case, such as p99 or CPU time
	Note    string   `json:"note"`    // why a goal is missed, or what else the reader must know
}

// Number is a named figure with its unit, as "p99" 1.2 "ms".
type Number struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
}

// Curve is a line of a picture: figures over sizes.
type Curve struct {
	Picture string    `json:"picture"` // file name without ".svg"; curves of one picture share their axes
	Title   string    `json:"title"`   // of the picture, from its first curve that has one, as are the axes'
	XAxis   string    `json:"xAxis"`   // with its unit: "transactions of the customer"
	YAxis   string    `json:"yAxis"`   // "items/s"
	Name    string    `json:"name"`    // in the legend
	X       []float64 `json:"x"`
	Y       []float64 `json:"y"`
}

// Measured is what one measurement yields.
type Measured struct {
	Figures []Figure
	Curves  []Curve
}

// Median is the middle one of all, the mean of the two in the middle when their number is even, NaN of none.
func Median(all []float64) float64 { return Quantile(all, 0.5) }

// Quantile is the value below which the part q of all lies, interpolated between neighbours, NaN of none.
func Quantile(all []float64, q float64) float64 {
	if len(all) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(all))
	at := q * float64(len(sorted)-1)
	below := int(at)
	if below == len(sorted)-1 {
		return sorted[below]
	}
	return sorted[below] + (at-float64(below))*(sorted[below+1]-sorted[below])
}
