package bench_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"customercare/infra/client"
)

// attackOn is an attack on a server that answers "deleted" in 10 ms, but for the one with
// the code "bad". The first two calls are answered once both have come.
func attackOn(t *testing.T, clients int,
	codes ...string) (inAll time.Duration, took []float64, most int64, seen []string, err error) {
	var busy, peak, begun atomic.Int64
	asked := make(chan string, 2*len(codes))
	both := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer busy.Add(-1)
		for now := busy.Add(1); ; {
			before := peak.Load()
			if now <= before || peak.CompareAndSwap(before, now) {
				break
			}
		}
		switch begun.Add(1) {
		case 2:
			close(both)
		case 1:
			<-both
		}
		time.Sleep(10 * time.Millisecond)
		code := r.PostFormValue("code")
		asked <- code
		w.Header().Set("Content-Type", client.XML)
		said := client.Deleted(client.XML, code)
		if code == "bad" {
			said = client.NotDeleted(client.XML, "it is not")
		}
		fmt.Fprint(w, said.Body)
	}))
	defer server.Close()
	s := &site{api: client.Client{Base: server.URL}}
	inAll, took, err = s.attack(t.Context(), codes, clients)
	server.CloseClientConnections()
	server.Close()
	close(asked)
	for code := range asked {
		seen = append(seen, code)
	}
	slices.Sort(seen)
	return inAll, took, peak.Load(), seen, err
}

// Each customer is asked for once, and never by more clients than there are.
func TestAttack(t *testing.T) {
	codes := []string{"a", "b", "c", "d", "e", "f"}
	inAll, took, most, seen, err := attackOn(t, 2, codes...)
	if err != nil || most != 2 || !slices.Equal(seen, codes) {
		t.Errorf("%d at once asked for %v: %v", most, seen, err)
	}
	// 6 of 10 ms by two at a time.
	if inAll < 30*time.Millisecond || len(took) != 6 || slices.Min(took) < 10 {
		t.Errorf("%s, %v", inAll, took)
	}
}

// One wrong answer is an error, not a fast one.
func TestAttackThatIsRefused(t *testing.T) {
	if _, _, _, _, err := attackOn(t, 2, "a", "bad", "c"); err == nil || !strings.Contains(err.Error(), "it is not") {
		t.Errorf("a refusal counts as deleted: %v", err)
	}
}
