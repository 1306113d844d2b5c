package tempallow

import (
	"fmt"
	"maps"
	"testing"
	"time"
)

// A setting is read whole, or refused.
func TestTypes(t *testing.T) {
	const h = Lifetime(time.Hour)
	for text, want := range map[string]Types{
		"1=24h,2=2h,3=date": {1: {Life: 24 * h}, 2: {Life: 2 * h}, 3: {}},
		"7=date":            {7: {}},
		"10=90m,2=date":     {10: {Life: 3 * h / 2}, 2: {}},
		"007=1h":            {7: {Life: h}},
		// Those for a single login; the form before there were any is the one above.
		"1=once/24h,2=2h,3=date": {1: {24 * h, true}, 2: {Life: 2 * h}, 3: {}},
		"1=once/date":            {1: {Once: true}},
		"1=once/24h,4=once/2h":   {1: {24 * h, true}, 4: {2 * h, true}},
		"1=once":                 nil,
		"1=once/":                nil,
		"1=once24h":              nil,
		"1=Once/24h":             nil,
		"1=24h/once":             nil,
		"1=once/once/24h":        nil,
		"1=once/0h":              nil,
		"1=once/24h,1=24h":       nil,
		"":                       nil,
		"1":                      nil,
		"1=":                     nil,
		"=2h":                    nil,
		"1=2h,":                  nil,
		"1=2h,1=3h":              nil,
		"1=2h,01=date":           nil,
		"1=0h":                   nil,
		"1=-2h":                  nil,
		"1=2":                    nil,
		"1=1h30m":                nil,
		"1=2.5h":                 nil,
		"1=Date":                 nil,
		"1=2h 2=3h":              nil,
		"1 =2h":                  nil,
		"-1=2h":                  nil,
		"a=2h":                   nil,
		"1234567890=2h":          nil,
	} {
		var got Types
		err := got.UnmarshalText([]byte(text))
		if (err == nil) != (want != nil) || !maps.Equal(got, want) {
			t.Errorf("%q: got %v, %v", text, got, err)
		}
	}
	most := "0=1h"
	for number := 1; number < MaxTypes; number++ {
		most += fmt.Sprintf(",%d=1h", number)
	}
	var got Types
	if err := got.UnmarshalText([]byte(most)); err != nil || len(got) != MaxTypes {
		t.Errorf("%d types: %v", len(got), err)
	}
	if err := got.UnmarshalText([]byte(most + ",99=1h")); err == nil {
		t.Error("more types are taken than a condition can name")
	}
	if got := (Types{10: {}, 2: {}, 1: {}}).String(); got != "1, 2, 10" {
		t.Errorf("the allowed values are said to be %q", got)
	}
}
