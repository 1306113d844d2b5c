package retention

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// State is how far a rule has come to being applied.
type State string

const (
	Set     State = "set"     // only written down
	Waiting State = "waiting" // one person has switched it on, and another one must
	On      State = "on"      // applied
	Off     State = "off"     // switched off
)

// DryRun is what a rule would take, as it was seen at a time.
type DryRun struct {
	At       time.Time `json:"at"`
	Found    int64     `json:"found"`    // items that the rule would take
	OutOf    int64     `json:"outOf"`    // all that there are of the kind
	Complete bool      `json:"complete"` // everything was looked at
}

// freshFor is how long a dry run is taken for the truth.
const freshFor = 7 * day

// MostShare is the largest share of all that there is of a kind that one person may have
// a rule take. Who switches a rule on can only ask for less, so nobody can do without the
// second yes.
const MostShare = 0.1

// Standing is a rule with all that has happened to it.
type Standing struct {
	Rule
	State   State     `json:"state"`
	SetBy   string    `json:"setBy"`
	Dry     *DryRun   `json:"dry,omitempty"`   // of this rule as it stands; nil: none
	YesBy   string    `json:"yesBy,omitempty"` // of Waiting and On: who switched it on first
	YesAt   time.Time `json:"yesAt,omitzero"`
	AlsoBy  string    `json:"alsoBy,omitempty"` // who said the second yes, "" where none was needed
	Version int64     `json:"version"`          // one more with each change
}

// Reset is a rule that was written down anew: what was seen or said of the one before
// holds no more.
func (s Standing) Reset(r Rule, by string) Standing {
	return Standing{Rule: r, State: Set, SetBy: by, Version: s.Version + 1}
}

// Tried is the rule after a dry run. A yes that was said to what an earlier one had seen
// holds no more.
func (s Standing) Tried(dry DryRun) Standing {
	s.Dry, s.Version = &dry, s.Version+1
	if s.State == Waiting {
		s.State, s.YesBy, s.YesAt = Set, "", time.Time{}
	}
	return s
}

// Enable switches a rule on, or, where it would take more than a share of all that there
// is, lets it wait for the yes of somebody else. The error says in a sentence why it
// cannot be. by is who asks.
func (s Standing) Enable(by string, share float64, now time.Time) (Standing, error) {
	switch {
	case strings.TrimSpace(by) == "":
		return s, errors.New("who switches a rule on must say who it is")
	case !(share >= 0 && share <= MostShare): // what is no number, too
		return s, fmt.Errorf("a share is a number from 0 to %v: what is more needs a second person", MostShare)
	case s.State == On:
		return s, fmt.Errorf("the rule %s is on already", s.Name)
	case s.Dry == nil:
		return s, fmt.Errorf("the rule %s has never run dry: look first at what it would take", s.Name)
	case !s.Dry.Complete:
		return s, fmt.Errorf("the dry run of %s has not seen everything: run it again", s.Name)
	case now.Sub(s.Dry.At) > freshFor, s.Dry.At.Sub(now) > day:
		return s, fmt.Errorf("the dry run of %s is not of the last seven days: run it again", s.Name)
	case s.State == Waiting && SamePerson(by, s.YesBy):
		return s, fmt.Errorf("the rule %s waits for the yes of another person than %s", s.Name, by)
	}
	s.Version++
	large := float64(s.Dry.Found) > share*float64(s.Dry.OutOf)
	switch {
	case s.State == Waiting:
		s.State, s.AlsoBy = On, by
	case large:
		s.State, s.YesBy, s.YesAt, s.AlsoBy = Waiting, by, now, ""
	default:
		s.State, s.YesBy, s.YesAt, s.AlsoBy = On, by, now, ""
	}
	return s, nil
}

// SamePerson says whether two names are one person's: case and blanks around a name make
// nobody else of it.
func SamePerson(one, other string) bool {
	return strings.EqualFold(strings.TrimSpace(one), strings.TrimSpace(other))
}

// Disable switches a rule off. It must run dry again before it is switched on.
func (s Standing) Disable() Standing {
	s.State, s.Dry, s.YesBy, s.YesAt, s.AlsoBy = Off, nil, "", time.Time{}, ""
	s.Version++
	return s
}
