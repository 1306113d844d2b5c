package principal

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"customercare/shared/store"
)

// Whoever tries a new name each time fills no item: what is over is taken away again.
func TestFailuresDoNotGrow(t *testing.T) {
	d, kit, clock := guarded(t)
	for i := range 400 {
		try(t, d, here, fmt.Sprint("name ", i), "wrong")
		clock.Advance(10 * time.Second) // 30 in a window
	}
	for _, line := range kit.Dump(t, kit.Principals.Table) {
		if strings.Contains(line, store.FailuresPrefix) && strings.Count(line, `"since`) > 50 {
			t.Errorf("%d counts are kept", strings.Count(line, `"since`))
		}
	}
}

// No address and no name stands in the table, and DynamoDB removes what is counted.
func TestFailuresNameNobody(t *testing.T) {
	d, kit, clock := guarded(t)
	try(t, d, "198.51.100.7", "somebody", "wrong")
	for _, line := range kit.Dump(t, kit.Principals.Table) {
		if strings.Contains(line, "198.51.100") || strings.Contains(line, "somebody") {
			t.Error(line)
		}
		if strings.Contains(line, store.FailuresPrefix) &&
			!strings.Contains(line, `"expires":{"Value":"`+strconv.FormatInt(clock.Add(d.Guard.kept()).Unix(), 10)) {
			t.Errorf("never removed: %s", line)
		}
	}
}
