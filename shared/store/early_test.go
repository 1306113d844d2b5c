package store

import (
	"context"
	"net"
	"testing"
	"time"
)

// The connection that is held goes to whoever dials first, to the same address and in
// time. Otherwise it is closed, and everybody dials.
func TestTheFirstDialTakesWhatIsHeld(t *testing.T) {
	const address = "dynamodb.example:443"
	for name, c := range map[string]struct {
		dialled string
		lasting time.Duration
		taken   bool
	}{
		"the same address": {address, time.Hour, true},
		"another address":  {"other.example:443", time.Hour, false},
		"another port":     {"dynamodb.example:80", time.Hour, false},
		"too late":         {address, 0, false},
	} {
		held, _ := net.Pipe()
		dials := 0
		e := &early{lasting: c.lasting}
		e.held.Store(&connection{held, address, time.Now()})
		dial := e.first(func(context.Context, string, string) (net.Conn, error) {
			dials++
			return nil, nil
		})
		got, err := dial(t.Context(), "tcp", c.dialled)
		if err != nil || (got == held) != c.taken || (dials == 0) != c.taken {
			t.Errorf("%s: %v after %d dials, %v", name, got, dials, err)
		}
		// A pipe that is closed takes no deadline.
		if err := held.SetDeadline(time.Time{}); (err == nil) != c.taken {
			t.Errorf("%s: what is held: %v", name, err)
		}
		before := dials
		if _, err := dial(t.Context(), "tcp", address); err != nil || dials != before+1 {
			t.Errorf("%s: the second dial makes %d", name, dials-before)
		}
	}
}
