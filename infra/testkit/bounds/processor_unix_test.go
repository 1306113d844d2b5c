//go:build unix

package bounds

import (
	"testing"
	"time"
)

// Waiting is no work: nothing that the machine does meanwhile counts.
func TestWaitingIsNoWork(t *testing.T) {
	waited := time.Duration(0)
	worked, _ := measure(func() {
		began := time.Now()
		time.Sleep(20 * time.Millisecond)
		waited = time.Since(began)
	})
	if worked >= waited {
		t.Errorf("a wait of %s is %s of work", waited, worked)
	}
}
