package retention

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/repr"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// tried is a rule that would take so many of 1000 items.
func tried(takes int64) Standing {
	rule := Rule{Name: "old", What: Contacts, Days: 400}
	return Standing{}.Reset(rule, "ann").Tried(DryRun{At: now, Found: takes, OutOf: 1000, Complete: true})
}

// enable switches a rule on, and fails where it cannot be.
func enable(t *testing.T, s Standing, by string, share float64) Standing {
	t.Helper()
	next, err := s.Enable(by, share, now)
	if err != nil || next.Version != s.Version+1 {
		t.Fatalf("%s, %v", repr.String(next), err)
	}
	return next
}

// A rule is on by one yes where it takes little, and by those of two people where it
// takes more than the share.
func TestSecondYes(t *testing.T) {
	for takes, want := range map[int64]State{0: On, 100: On, 101: Waiting, 1000: Waiting} {
		if s := enable(t, tried(takes), "ann", MostShare); s.State != want {
			t.Errorf("%d of 1000: %s, want %s", takes, s.State, want)
		}
	}
	if s := enable(t, tried(2), "ann", 0.001); s.State != Waiting {
		t.Errorf("a smaller share: %s", s.State)
	}
	s := enable(t, tried(500), "ann", MostShare)
	for _, same := range []string{"ann", "ANN", " ann ", "Ann\t"} {
		if _, err := s.Enable(same, MostShare, now); err == nil || !strings.Contains(err.Error(), "another person") {
			t.Errorf("the same person twice, as %q: %v", same, err)
		}
	}
	if s = enable(t, s, "bob", MostShare); s.State != On || s.YesBy != "ann" || s.AlsoBy != "bob" {
		t.Errorf("%s", repr.String(s))
	}
}

// A yes is to what a dry run of this very rule has seen: neither a rule that was written
// anew, nor another dry run, nor one that is switched off takes it along.
func TestAYesIsToWhatWasSeen(t *testing.T) {
	waiting := enable(t, tried(500), "ann", MostShare)
	again := waiting.Tried(DryRun{At: now, Found: 900, OutOf: 1000, Complete: true})
	if s := enable(t, again, "bob", MostShare); s.State != Waiting || s.YesBy != "bob" {
		t.Errorf("after another dry run: %s", repr.String(s))
	}
	wider := waiting.Rule
	wider.Days = 1
	on := enable(t, tried(1), "ann", MostShare)
	for name, s := range map[string]Standing{
		"written anew": waiting.Reset(wider, "ann"), "disabled": waiting.Disable(), "on, then disabled": on.Disable(),
		"on, then written anew": on.Reset(wider, "ann"), "never tried": Standing{}.Reset(wider, "ann"),
	} {
		if s.State == On || s.State == Waiting {
			t.Errorf("%s: %s", name, s.State)
		}
		if _, err := s.Enable("bob", MostShare, now); err == nil || !strings.Contains(err.Error(), "never run dry") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What cannot be switched on is refused with a sentence, and is as it was.
func TestCannotBeSwitchedOn(t *testing.T) {
	part := tried(1)
	part.Dry.Complete = false
	for want, try := range map[string]func() (Standing, Standing, error){
		"must say who": func() (a, b Standing, err error) { a = tried(1); b, err = a.Enable("", 0, now); return },
		"a number from 0 to 0.1": func() (a, b Standing, err error) {
			a = tried(1)
			b, err = a.Enable("ann", 0.5, now)
			return
		},
		"needs a second person": func() (a, b Standing, err error) {
			a = tried(1)
			b, err = a.Enable("ann", math.NaN(), now)
			return
		},
		"is on already": func() (a, b Standing, err error) {
			a = enable(t, tried(1), "ann", MostShare)
			b, err = a.Enable("bob", MostShare, now)
			return
		},
		"not seen everything": func() (a, b Standing, err error) { a = part; b, err = a.Enable("ann", 0, now); return },
		"last seven days": func() (a, b Standing, err error) {
			a = tried(1)
			b, err = a.Enable("ann", MostShare, now.Add(freshFor+1))
			return
		},
		"run it again": func() (a, b Standing, err error) { // the clock was far ahead then
			a = tried(1)
			b, err = a.Enable("ann", MostShare, now.Add(-day-1))
			return
		},
	} {
		before, after, err := try()
		if err == nil || !strings.Contains(err.Error(), want) || before.State != after.State || before.Version != after.Version {
			t.Errorf("%v, want %q; %s", err, want, repr.String(after))
		}
	}
}
