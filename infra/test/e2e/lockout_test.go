package e2e

import (
	"fmt"
	"net"
	"net/http"
	"testing"
)

// statusFrom sends an operator's request statusFrom one of the loopback's addresses.
func statusFrom(t *testing.T, address, url, authorization string) int {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true, DialContext: (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}).DialContext,
	}}
	r, err := http.NewRequestWithContext(t.Context(), "DELETE", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", authorization)
	answer, err := client.Do(r)
	if err != nil {
		t.Skipf("this machine has no address %s on its loopback: %v", address, err)
	}
	answer.Body.Close()
	return answer.StatusCode
}

// What API Gateway keeps of the authorizer's answers lets nobody past a lock: a right
// password that was answered at another address is refused at the one that guessed, and
// goes on letting in there.
func TestLockHoldsAgainstTheAuthorizersCache(t *testing.T) {
	t.Parallel()
	s, _ := startForGuessing(t)
	url := s.URL + "/customercare/v1/guess-user/provision?reset=true"
	right := basic("guess-operator", "guess-password-1")[len("Authorization: "):]
	for i := range 10 {
		wrong := basic("guess-operator", fmt.Sprint("wrong ", i))[len("Authorization: "):]
		if status := statusFrom(t, "127.0.2.1", url, wrong); status != 401 {
			t.Fatal(status)
		}
	}
	for address, want := range map[string]int{"127.0.2.2": 200, "127.0.2.1": 401} {
		for range 2 { // also from the cache
			if status := statusFrom(t, address, url, right); status != want {
				t.Errorf("from %s: %d, want %d", address, status, want)
			}
		}
	}
	if status := statusFrom(t, "127.0.2.1", url, right); status != 401 { // after it was let in elsewhere
		t.Errorf("past the lock: %d", status)
	}
}
