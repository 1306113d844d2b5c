package secrets

import (
	"regexp"
	"strings"
	"testing"
)

func TestGeneratedTexts(t *testing.T) {
	for _, c := range []struct {
		generate Generate
		want     string
	}{
		{Generate{}, `^[!-~]{32}$`},
		{Generate{Length: 64, ExcludePunctuation: true, Template: "{}", Key: "1"}, `^\{"1":"[A-Za-z0-9]{64}"\}$`},
		{Generate{ExcludePunctuation: true, Template: `{"user":"me","n":1}`, Key: "password"}, `^\{"n":1,"password":"[A-Za-z0-9]{32}","user":"me"\}$`},
		{Generate{Length: 3, ExcludePunctuation: true}, `^(?:[a-z]|[A-Z]|[0-9]){3}$`},
		{Generate{Length: 8, ExcludeLowercase: true, ExcludeUppercase: true, ExcludePunctuation: true, ExcludeCharacters: "0123"}, `^[4-9]{8}$`},
		{Generate{Length: 2, ExcludeLowercase: true, ExcludeUppercase: true, ExcludePunctuation: true, IncludeSpace: true}, `^(?:[0-9] | [0-9])$`},
		{Generate{Length: 1, OfAnyType: true}, `^[!-~]$`},
	} {
		seen := map[string]bool{}
		for range 50 {
			text, err := c.generate.Text()
			if err != nil || !regexp.MustCompile(c.want).MatchString(text) {
				t.Fatalf("%+v: %q, %v", c.generate, text, err)
			}
			if seen[text] && len(text) > 10 {
				t.Fatalf("%+v: %q again", c.generate, text)
			}
			seen[text] = true
		}
	}
	for range 200 { // each type is there
		text, err := Generate{Length: 4, ExcludeCharacters: "aA0!"}.Text()
		if err != nil || !strings.ContainsAny(text, "bcdefghijklmnopqrstuvwxyz") || !strings.ContainsAny(text, "BCDEFGHIJKLMNOPQRSTUVWXYZ") || !strings.ContainsAny(text, "123456789") || strings.ContainsAny(text, "aA0!") {
			t.Fatalf("%q, %v", text, err)
		}
	}
	for _, wrong := range []Generate{
		{Template: "{}"}, {Key: "1"}, {Template: "[]", Key: "1"}, {Template: "null", Key: "1"}, {Length: 3}, {Length: 5000},
		{ExcludeLowercase: true, ExcludeUppercase: true, ExcludeNumbers: true, ExcludePunctuation: true},
	} {
		if text, err := wrong.Text(); err == nil {
			t.Errorf("%+v gives %q", wrong, text)
		}
	}
}
