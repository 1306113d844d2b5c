package e2e

import (
	"bytes"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"customercare/infra/local/awsjson"
	"customercare/infra/local/lambda"
)

// recorder notes, while a test listens, each call to DynamoDB with the invocation that
// made it: in Lambda the SDK sends the invocation's trace id along.
type recorder struct {
	next http.RoundTripper

	mu   sync.Mutex
	on   bool
	seen []databaseCall
}

// databaseCall is a call to DynamoDB, with the trace id of the invocation that made it.
type databaseCall struct{ invocation, action, body string }

var recorded = &recorder{next: calls}

func (r *recorder) RoundTrip(request *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return nil, err
	}
	request.Body = io.NopCloser(bytes.NewReader(body))
	used.note(request, body)
	r.mu.Lock()
	if r.on && awsjson.AccessKeyID(request) != sealer {
		_, action, _ := strings.Cut(request.Header.Get("X-Amz-Target"), ".")
		r.seen = append(r.seen, databaseCall{request.Header.Get("X-Amzn-Trace-Id"), action, string(body)})
	}
	r.mu.Unlock()
	return r.next.RoundTrip(request)
}

// sealer is the access key of the function that reads and writes all the time.
var sealer = lambda.Function{Folder: "seal-ledger"}.AccessKeyID()

// invocations are the calls to DynamoDB that do causes: one string for each function that
// was invoked and made any, in the order of their first, its actions separated by spaces.
// The background is left out: cleanup begins by asking for due jobs or by reading how far
// the sweep has come, or goes on sweeping; a worker takes a lease first; and seal-ledger
// is known by its access key.
func invocations(t testing.TB, do func()) []string {
	t.Helper()
	recorded.mu.Lock()
	recorded.on, recorded.seen = true, nil
	recorded.mu.Unlock()
	do()
	recorded.mu.Lock()
	seen := recorded.seen
	recorded.on, recorded.seen = false, nil
	recorded.mu.Unlock()
	var order []string
	first := map[string]databaseCall{}
	actions := map[string][]string{}
	for _, c := range seen {
		if c.invocation == "" {
			t.Fatalf("a call to DynamoDB without an invocation's trace id: %s", c.action)
		}
		if _, known := first[c.invocation]; !known {
			first[c.invocation] = c
			order = append(order, c.invocation)
		}
		actions[c.invocation] = append(actions[c.invocation], c.action)
	}
	made := []string{}
	for _, id := range order {
		ahead := first[id].action == "Query" && strings.Contains(first[id].body, `"`+running.Table("Customers")+`"`)
		if (ahead || first[id].action != "Query") && first[id].action != "Scan" &&
			!strings.Contains(first[id].body, `"`+running.Table("Rules")+`"`) && !strings.Contains(first[id].body, "leaseOwner") {
			calls := strings.Join(actions[id], " ")
			if ahead { // beside the reading of the caller's key, whichever goes out first
				calls = strings.Replace(calls, "Query BatchGetItem", "BatchGetItem Query", 1)
			}
			made = append(made, calls)
		}
	}
	return made
}

// passAllWriterLifetimes lets all erasures of earlier tests end, so that nothing but
// the test changes a table.
func passAllWriterLifetimes(t testing.TB) {
	t.Helper()
	passWriterLifetime(t, "*")
}

// unchanged checks that between the call and the end of the test no byte of any table
// changes.
func unchanged(t *testing.T) {
	t.Helper()
	passAllWriterLifetimes(t)
	before := dump(t, "")
	t.Cleanup(func() {
		after := dump(t, "")
		// DynamoDB takes expired tokens of earlier tests away when it likes.
		before = slices.DeleteFunc(before, func(line string) bool {
			return strings.Contains(line, `"principal":{"Value":"token#`) && !slices.Contains(after, line)
		})
		if !slices.Equal(before, after) {
			t.Errorf("tables changed:\n%s", strings.Join(difference(before, after), "\n"))
		}
	})
}

// difference is the lines that only before has, with "-", and those that only after has,
// with "+".
func difference(before, after []string) []string {
	var all []string
	for _, line := range before {
		if !slices.Contains(after, line) {
			all = append(all, "-"+line)
		}
	}
	for _, line := range after {
		if !slices.Contains(before, line) {
			all = append(all, "+"+line)
		}
	}
	return all
}

// inner are words that only our insides use: no caller may ever read one.
var inner = regexp.MustCompile(`(?i)goroutine|panic|runtime error|dynamodb|operation error|\baws\b|amazonaws|smithy|\.go:\d|0x[0-9a-f]{6}|exception`)

// made is a token, a hash or a proof: so many letters that one of the words may stand in
// them by chance.
var made = regexp.MustCompile(`[A-Za-z0-9+/_=-]{40,}`)

// tellsNothing checks an answer's body for words of our insides.
func tellsNothing(t testing.TB, r reply) {
	t.Helper()
	if word := inner.FindString(made.ReplaceAllString(r.Body, "-")); word != "" {
		t.Errorf("the answer shows our insides (%q): %d %s", word, r.Status, r.Body)
	}
}
