package result

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
)

// Picture is curves over the same axes.
type Picture struct {
	Name, Title, XAxis, YAxis string
	Curves                    []Curve
}

// File is the picture's file name.
func (p Picture) File() string { return p.Name + ".svg" }

// Pictures are the curves by the picture that they name, in the order of the names.
func Pictures(curves []Curve) []Picture {
	var all []Picture
	for _, c := range curves {
		at := slices.IndexFunc(all, func(p Picture) bool { return p.Name == c.Picture })
		if at < 0 {
			all, at = append(all, Picture{Name: c.Picture}), len(all)
		}
		p := &all[at]
		p.Title, p.XAxis, p.YAxis = cmp.Or(p.Title, c.Title), cmp.Or(p.XAxis, c.XAxis), cmp.Or(p.YAxis, c.YAxis)
		p.Curves = append(p.Curves, c)
	}
	for i := range all {
		all[i].Title = cmp.Or(all[i].Title, all[i].Name)
	}
	slices.SortFunc(all, func(a, b Picture) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

const (
	width  = 16 * vg.Centimeter
	height = 10 * vg.Centimeter
	// wide is how many times its smallest value an axis's largest must be for the axis to be logarithmic.
	wide = 30
)

// SVG draws the picture. The same picture gives the same bytes.
func (p Picture) SVG() ([]byte, error) {
	canvas := plot.New()
	sans := font.Font{Typeface: "Liberation", Variant: "Sans"}
	for _, style := range []*font.Font{&canvas.Title.TextStyle.Font, &canvas.X.Label.TextStyle.Font, &canvas.Y.Label.TextStyle.Font,
		&canvas.X.Tick.Label.Font, &canvas.Y.Tick.Label.Font, &canvas.Legend.TextStyle.Font} {
		style.Typeface, style.Variant = sans.Typeface, sans.Variant
	}
	canvas.Title.Text, canvas.X.Label.Text, canvas.Y.Label.Text = p.Title, p.XAxis, p.YAxis
	canvas.Title.Padding, canvas.Legend.Padding = vg.Points(6), vg.Points(3)
	canvas.Legend.Top, canvas.Legend.Left = true, true
	canvas.Add(plotter.NewGrid())
	var xs, ys []float64
	for i, curve := range p.Curves {
		points := make(plotter.XYs, len(curve.X))
		for j := range points {
			points[j] = plotter.XY{X: curve.X[j], Y: curve.Y[j]}
		}
		line, dots, err := plotter.NewLinePoints(points)
		if err != nil {
			return nil, fmt.Errorf("picture %s, curve %s: %w", p.Name, curve.Name, err)
		}
		line.Color, line.Width, line.Dashes = plotutil.Color(i), vg.Points(1.5), plotutil.Dashes(i)
		dots.Color, dots.Shape = plotutil.Color(i), plotutil.Shape(i)
		canvas.Add(line, dots)
		canvas.Legend.Add(curve.Name, line, dots)
		xs, ys = append(xs, curve.X...), append(ys, curve.Y...)
	}
	scale(&canvas.X, xs)
	scale(&canvas.Y, ys)
	if !logarithmic(ys) {
		canvas.Y.Min = 0 // a part of an axis makes small differences look large
	}
	canvas.Y.Max += (canvas.Y.Max - canvas.Y.Min) * 0.3 // room for the legend
	if logarithmic(ys) {
		canvas.Y.Max = slices.Max(ys) * 10
	}
	to, err := canvas.WriterTo(width, height, "svg")
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if _, err := to.WriteTo(&b); err != nil {
		return nil, err
	}
	// Who looks at it may not have the font that it was laid out with.
	return bytes.ReplaceAll(b.Bytes(), []byte("font-family:Liberation Sans"), []byte("font-family:Liberation Sans,Arial,Helvetica,sans-serif")), nil
}

// scale makes an axis logarithmic where its values are far apart.
func scale(axis *plot.Axis, values []float64) {
	axis.Tick.Marker = grouped{plot.DefaultTicks{}}
	if logarithmic(values) {
		axis.Scale, axis.Tick.Marker = plot.LogScale{}, grouped{plot.LogTicks{Prec: -1}}
	}
}

func logarithmic(values []float64) bool {
	return slices.Min(values) > 0 && slices.Max(values) >= wide*slices.Min(values)
}

// grouped writes the ticks of others as the tables write figures.
type grouped struct{ plot.Ticker }

func (g grouped) Ticks(low, high float64) []plot.Tick {
	ticks := g.Ticker.Ticks(low, high)
	for i := range ticks {
		if !ticks[i].IsMinor() {
			ticks[i].Label = digits(ticks[i].Value)
		}
	}
	return ticks
}
