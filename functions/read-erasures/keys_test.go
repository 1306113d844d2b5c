package main

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"customercare/shared/digest"
	"customercare/shared/respond"
)

// Keys are read when they are needed first, and again when a minute is over: so one that
// is destroyed is forgotten. One that is missing is looked for every 5 seconds at most,
// and without an answer nobody is told that it was destroyed.
func TestKeys(t *testing.T) {
	now, reads := begin, 0
	secret, fault := map[string][]byte{"1": []byte("a key")}, error(nil)
	k := keys{now: func() time.Time { return now }, read: func(context.Context) (map[string][]byte, error) {
		reads++
		return secret, fault
	}}
	errBusy := errors.New("busy")
	for i, step := range []struct {
		after  time.Duration
		id     string
		keys   []string // in the secret; nil: it cannot be read
		reads  int
		answer error // errBusy is a 503
	}{
		{0, "1", nil, 1, errBusy},
		{0, "1", []string{"1"}, 1, nil},
		{digest.LookAgain - 1, "1", nil, 0, nil},
		{1, "1", nil, 1, nil}, // it was there a moment ago
		{0, "1", []string{"1"}, 1, nil},
		{0, "2", []string{"1", "2"}, 0, errKeyDestroyed},
		{lookForMissing - 1, "2", []string{"1", "2"}, 0, errKeyDestroyed},
		{1, "2", nil, 1, errBusy},
		{0, "2", []string{"1", "2"}, 1, nil},
		{lookForMissing, "2", []string{"1"}, 0, nil},
		{digest.LookAgain, "2", []string{"1"}, 1, errKeyDestroyed},
		{0, "1", nil, 0, nil},
	} {
		now, reads, secret, fault = now.Add(step.after), 0, map[string][]byte{}, nil
		for _, id := range step.keys {
			secret[id] = []byte("a key")
		}
		if step.keys == nil {
			fault = errBusy
		}
		d, err := k.digester(t.Context(), step.id)
		refusal, _ := errors.AsType[*respond.Error](err)
		busy := refusal != nil && refusal.Kind == respond.Unavailable && errors.Is(err, errBusy)
		if reads != step.reads || busy != (step.answer == errBusy) || !busy && err != step.answer {
			t.Errorf("step %d: %d reads, %v", i, reads, err)
		}
		if err == nil && !slices.Equal(d.Keys[step.id], []byte("a key")) {
			t.Errorf("step %d: %v", i, d.Keys)
		}
	}
}
