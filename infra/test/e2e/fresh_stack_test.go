package e2e

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"customercare/infra/local/stack"
)

// Sixty calls at the same moment, the first that a stack ever gets: more than it has
// processes, and none of them runs yet.
func TestSixtyCallsToAFreshStack(t *testing.T) {
	s := startUnscheduled(t, "sixty", func(o *stack.Options) { o.Parameters = nil }) // as `make run` starts it
	records := []string{
		`{"kind":"user","customerId":"sixty"}`,
		`{"kind":"operator","name":"csr-sixty","password":"password of csr-sixty"}`,
		`{"kind":"app","name":"app-sixty","secret":"secret-of-app-sixty-0123456789abcdef","tenantId":"tenant-sixty"}`,
		record(map[string]any{"kind": "apiUser", "name": userOf("sixty"), "key": keyOf("sixty"),
			"accounts": []string{"sixty"}}),
	}
	for i := range 20 {
		records = append(records, customerRecords("sixty", 1, fmt.Sprint("sixty-", i))...)
	}
	loadInto(t, s, records...)
	csr := basic("csr-sixty", "password of csr-sixty")
	var calls sync.WaitGroup
	start := make(chan struct{})
	call := func(want, method, path, body string, headers ...string) {
		calls.Go(func() {
			<-start
			if got := sendTo(t, s.URL, method, path, body, headers...).Body; !strings.Contains(got, want) {
				t.Errorf("%s %s: %s, want %s", method, path, got, want)
			}
		})
	}
	for i := range 20 {
		code := fmt.Sprint("sixty-", i)
		call(doneJSON, "PUT", at(bases[0], "sixty"), `{"tempAllowType":1}`, csr, bodyJSON)
		call(goneXML(code), "POST", "/api.php", formOf("sixty", code), urlencoded)
		call(`"AppKey":"app-sixty"`, "POST", tokenPath, credentials("app-sixty"), bodyJSON)
	}
	close(start)
	calls.Wait()
}
