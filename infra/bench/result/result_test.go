package result

import (
	"bytes"
	"encoding/xml"
	"io"
	"math"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func whole() File {
	return File{
		When:    time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC),
		Machine: Machine{CPU: "an abacus", Cores: 2, MemoryGB: 7.8, OS: "Linux", Go: "go1.26", Engine: "DynamoDB Local 1.25.1"},
		Figures: []Figure{
			{Table: 1, Case: "cleanup", Unit: "ms", Ours: 4.2, Floor: 3, Ratio: 1.4, Goal: "<= 1.5x", Met: true, Runs: 15},
			{Table: 4, Case: "delete-customer", Unit: "ms", Ours: 2, Floor: 1, Ratio: 2.01, Goal: "<= 1.3x", Runs: 5,
				Also: []Number{{"p99", 3.5, "ms"}, {"own CPU", 0.25, "ms"}}, Note: "a note"},
			{Table: 8, Case: "in a loop", Unit: "items/s", Ours: 12345.6, Floor: 1000, Against: "boto3 | batch_writer", Goal: "", Met: true, Runs: 5},
			{Table: 8, Case: "not installed", Unit: "items/s", Met: true, Runs: 1},
		},
		Curves: []Curve{
			{Picture: "erase", Title: "Erasing", XAxis: "transactions", YAxis: "items/s", Name: "ours", X: []float64{10, 1000, 1e6}, Y: []float64{900, 1000, 1100}},
			{Picture: "erase", Name: "floor", X: []float64{10, 1000, 1e6}, Y: []float64{950, 1001, 1102}},
			{Picture: "clients", Name: "one point", X: []float64{1}, Y: []float64{2}},
		},
	}
}

func TestWrittenAndReadIsTheSame(t *testing.T) {
	want, name := whole(), filepath.Join(t.TempDir(), "results.json")
	if err := want.Write(name); err != nil {
		t.Fatal(err)
	}
	got, err := Read(name)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) || got.Markdown("x") != want.Markdown("x") {
		t.Errorf("read %+v, written %+v", got, want)
	}
}

// Every figure is in the table, as a reader wants to see it.
func TestMarkdown(t *testing.T) {
	text := whole().Markdown("infra/bench")
	for _, want := range []string{
		"Measured on 2026-03-02: 2 cores of an abacus, 7.8 GB of memory, Linux, go1.26, DynamoDB Local 1.25.1 in memory.",
		"**1. " + Titles[0].What, "| | ours | " + Titles[0].Against + " | ratio |",
		"| cleanup | 4.2 ms | 3 ms | 1.4x | <= 1.5x | yes | 15 |  |",
		"| delete-customer | 2 ms | 1 ms | 2.01x | <= 1.3x | **no** | 5 | p99 3.5 ms, own CPU 0.25 ms |",
		"- delete-customer: a note",
		`| in a loop | 12,346 items/s | 1,000 items/s (boto3 \| batch_writer) | - |  |  | 5 |  |`,
		"| not installed | - | - | - |  |  | 1 |  |",
		"![Erasing](infra/bench/erase.svg)", "![clients](infra/bench/clients.svg)",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s\nis not in\n%s", want, text)
		}
	}
	if strings.Contains(text, Titles[1].What) {
		t.Error("a table without figures is shown")
	}
	if len(Titles) != 10 {
		t.Errorf("%d tables", len(Titles))
	}
}

func TestDigits(t *testing.T) {
	for value, want := range map[float64]string{0: "0", 0.00012345: "0.000123", 0.5: "0.5", 1.005: "1", 12.34: "12.3", 123.4: "123", 999.6: "1,000",
		1234567.8: "1,234,568", 1000: "1,000", -1234: "-1,234"} {
		if got := digits(value); got != want {
			t.Errorf("%v: %s, want %s", value, got, want)
		}
	}
}

// A part of the tables measured again takes the place of what was there, and of nothing else.
func TestPut(t *testing.T) {
	f := whole()
	f.Put([]int{4, 5}, Measured{
		Figures: []Figure{{Table: 5, Case: "new"}, {Table: 4, Case: "delete-customer", Ours: 3}, {Table: 1, Case: "nobody asked"}},
		Curves:  []Curve{{Picture: "erase", Name: "floor", X: []float64{1}, Y: []float64{1}}},
	})
	var got []string
	for _, figure := range f.Figures {
		got = append(got, figure.Case)
	}
	if want := "cleanup delete-customer new in a loop not installed"; strings.Join(got, " ") != want || f.Figures[1].Ours != 3 {
		t.Errorf("%v", f.Figures)
	}
	if len(f.Curves) != 3 || f.Curves[2].Name != "floor" || len(f.Curves[2].X) != 1 {
		t.Errorf("%v", f.Curves)
	}
	f.Add([]int{4}, Measured{Figures: []Figure{{Table: 4, Case: "by another"}}})
	if f.Figures[1].Case != "delete-customer" || f.Figures[2].Case != "by another" || len(f.Curves) != 3 {
		t.Errorf("%v", f)
	}
}

func TestCheck(t *testing.T) {
	right := Measured{Figures: whole().Figures, Curves: whole().Curves}
	if err := right.Check(); err != nil {
		t.Error(err)
	}
	for name, f := range map[string]Figure{
		"no number": {Table: 1, Case: "a", Ours: math.NaN(), Runs: 1, Met: true}, "no end": {Table: 1, Case: "a", Ratio: math.Inf(1), Runs: 1, Met: true},
		"no table": {Table: 11, Case: "a", Runs: 1, Met: true}, "no case": {Table: 1, Runs: 1, Met: true}, "no runs": {Table: 1, Case: "a", Met: true},
		"no goal": {Table: 1, Case: "a", Runs: 1}, "also": {Table: 1, Case: "a", Runs: 1, Met: true, Also: []Number{{"p99", math.NaN(), "ms"}}},
	} {
		if (Measured{Figures: []Figure{f}}).Check() == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	for name, c := range map[string]Curve{
		"no points": {Picture: "a", Name: "b"}, "one side": {Picture: "a", Name: "b", X: []float64{1}}, "no name": {Picture: "a", X: []float64{1}, Y: []float64{1}},
		"no picture": {Name: "b", X: []float64{1}, Y: []float64{1}}, "no number": {Picture: "a", Name: "b", X: []float64{1}, Y: []float64{math.NaN()}},
	} {
		if (Measured{Curves: []Curve{c}}).Check() == nil {
			t.Errorf("a curve with %s is accepted", name)
		}
	}
}

// A picture is well-formed, names its axes and curves, has logarithmic axes where values are far apart, and is the same
// each time.
func TestPictures(t *testing.T) {
	all := Pictures(whole().Curves)
	if len(all) != 2 || all[0].File() != "clients.svg" || all[1].File() != "erase.svg" || all[1].XAxis != "transactions" {
		t.Fatalf("%+v", all)
	}
	for _, p := range all {
		svg, err := p.SVG()
		if err != nil {
			t.Fatal(err)
		}
		words := texts(t, svg)
		for _, want := range append([]string{p.Title, p.XAxis, p.YAxis}, p.Curves[0].Name) {
			if want != "" && !words[want] {
				t.Errorf("%s does not say %q: %v", p.File(), want, words)
			}
		}
		if p.Name == "erase" && (!words["1,000,000"] || !words["floor"]) {
			t.Errorf("%s: %v", p.File(), words)
		}
		if again, _ := p.SVG(); !bytes.Equal(svg, again) {
			t.Errorf("%s is another one each time", p.File())
		}
	}
	if logarithmic([]float64{1, 29}) || !logarithmic([]float64{1, 30}) || logarithmic([]float64{0, 100}) {
		t.Error("a scale is wrong")
	}
}

// texts are what the texts of an SVG say.
func texts(t *testing.T, svg []byte) map[string]bool {
	said, inText := map[string]bool{}, false
	for d := xml.NewDecoder(bytes.NewReader(svg)); ; {
		token, err := d.Token()
		if err == io.EOF {
			return said
		}
		if err != nil {
			t.Fatal(err)
		}
		switch part := token.(type) {
		case xml.StartElement:
			inText = part.Name.Local == "text"
		case xml.EndElement:
			inText = false
		case xml.CharData:
			if inText {
				said[string(part)] = true
			}
		}
	}
}

func TestQuantile(t *testing.T) {
	if all := []float64{4, 1, 3, 2}; Median(all) != 2.5 || Quantile(all, 1) != 4 || Quantile(all, 0) != 1 || all[0] != 4 {
		t.Errorf("%v, %v", Median(all), Quantile(all, 1))
	}
	if !math.IsNaN(Median(nil)) || Median([]float64{7}) != 7 {
		t.Error("the median of none or one")
	}
}
