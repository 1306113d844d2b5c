package tempallow

import (
	"strings"
	"testing"
	"time"

	"customercare/infra/testkit/bounds"
)

// FuzzTypes: any setting of TEMP_ALLOW_TYPES is refused in a sentence, or read so that
// every type has a lifetime or asks for a date, and none is lost.
func FuzzTypes(f *testing.F) {
	for _, text := range []string{
		"1=once/24h,2=2h,3=date", "1=24h,2=2h,3=date", "7=once/date", "1=once", "1=once/", "1=once/once/2h", "1=Once/2h", "7=date", "007=1h", "10=90m,2=date", "", "1", "1=", "=2h", "1=2h,", ",", "1=2h,01=date", "1=0h", "1=-2h", "1=1h30m", "1=2h=3h",
		"999999999=999999h", "1=999999m", "1234567890=2h", "1=2.5h", "1 =2h", "1=２h", "1=date\n",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var got Types
		var err error
		bounds.Check(t, func() { got = nil; err = got.UnmarshalText([]byte(text)) })
		if err != nil {
			if got != nil || err.Error() == "" {
				t.Errorf("%q: %v, %v", text, got, err)
			}
			return
		}
		for number, one := range got {
			life := time.Duration(one.Life)
			if number < 0 || life < 0 || life > 999999*time.Hour || life%time.Minute != 0 {
				t.Errorf("%q: type %d lives %v", text, number, life)
			}
		}
		dates, onces := 0, 0
		for _, one := range got {
			if one.Life == 0 {
				dates++
			}
			if one.Once {
				onces++
			}
		}
		if entries := strings.Count(text, ",") + 1; len(got) != entries || strings.Count(text, "=") != entries ||
			entries > MaxTypes || strings.Count(text, "date") != dates || strings.Count(text, "once/") != onces {
			t.Errorf("%q is %v", text, got)
		}
	})
}
