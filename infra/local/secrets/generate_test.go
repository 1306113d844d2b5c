package secrets

import (
	"regexp"
	"testing"
)

func TestGeneratedTexts(t *testing.T) {
	for _, c := range []struct {
		generate Generate
		want     string
	}{
		{Generate{Length: 64, Template: "{}", Key: "1"}, `^\{"1":"[A-Za-z0-9]{64}"\}$`},
		{Generate{Length: 32, Template: `{"user":"me","n":1}`, Key: "password"},
			`^\{"n":1,"password":"[A-Za-z0-9]{32}","user":"me"\}$`},
	} {
		seen := map[string]bool{}
		for range 50 {
			text, err := c.generate.Text()
			if err != nil || !regexp.MustCompile(c.want).MatchString(text) {
				t.Fatalf("%+v: %q, %v", c.generate, text, err)
			}
			if seen[text] {
				t.Fatalf("%+v: %q again", c.generate, text)
			}
			seen[text] = true
		}
	}
	for _, wrong := range []Generate{
		{Template: "{}", Length: 64}, {Key: "1", Length: 64}, {Template: "[]", Key: "1", Length: 64},
		{Template: "null", Key: "1", Length: 64},
		{Template: "{}", Key: "1"}, {Template: "{}", Key: "1", Length: 5000},
	} {
		if text, err := wrong.Text(); err == nil {
			t.Errorf("%+v gives %q", wrong, text)
		}
	}
}
