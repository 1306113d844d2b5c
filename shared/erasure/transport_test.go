package erasure

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
)

// Transports in front of the real engine that do what dynamotest.Faults does not.

// answering is a transport that looks at each call, and lets it through, fails it or
// answers it itself.
type answering func(r *http.Request, action string, body []byte) (*http.Response, error)

func (do answering) RoundTrip(r *http.Request) (*http.Response, error) {
	_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return do(r, action, body)
}

// reply is an answer of DynamoDB's that a test makes up.
func reply(r *http.Request, status int, text string) *http.Response {
	return &http.Response{
		StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}, "X-Injected": {"true"}},
		Body:   io.NopCloser(strings.NewReader(text)), ContentLength: int64(len(text)),
	}
}

// noAnswer is a try whose answer does not come in time.
type noAnswer struct{}

func (noAnswer) Error() string   { return "no answer in time" }
func (noAnswer) Timeout() bool   { return true }
func (noAnswer) Temporary() bool { return true }

// cancelled is how DynamoDB says that it has not done a transaction, with a reason for
// each of its actions.
func cancelled(reasons ...string) string {
	var list []string
	for _, reason := range reasons {
		list = append(list, `{"Code":"`+reason+`"}`)
	}
	return `{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException",` +
		`"CancellationReasons":[` + strings.Join(list, ",") + `]}`
}

// noTransaction is how DynamoDB says that it does not take a transaction.
var noTransaction = map[string]string{
	"throttled":            cancelled("None", "ThrottlingError"),
	"above what is given":  cancelled("ProvisionedThroughputExceeded"),
	"throttled as a whole": `{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"}`,
	"too large": `{"__type":"com.amazon.coral.validate#ValidationException",` +
		`"message":"Transaction request cannot be larger than 4 MB"}`,
	"items too large": cancelled("ValidationError"),
}

// failing is a transport that fails the calls whose body holds one of texts.
func failing(
	next http.RoundTripper, texts []string, fail func(*http.Request) (*http.Response, error),
) http.RoundTripper {
	return answering(func(r *http.Request, _ string, body []byte) (*http.Response, error) {
		for _, text := range texts {
			if bytes.Contains(body, []byte(text)) {
				return fail(r)
			}
		}
		return next.RoundTrip(r)
	})
}

func denied(r *http.Request) (*http.Response, error) {
	return reply(r, http.StatusBadRequest, `{"__type":"com.amazonaws.dynamodb.v20120810#AccessDeniedException"}`), nil
}

func panics(*http.Request) (*http.Response, error) { panic("135****1111") }

// crowded is a DynamoDB that does not take a transaction which opens a job and deletes
// records with it. It says why.
func crowded(next http.RoundTripper, why string) http.RoundTripper {
	return answering(func(r *http.Request, _ string, body []byte) (*http.Response, error) {
		opens := bytes.Contains(body, []byte(`"state":{"S":"open"}`))
		if opens && bytes.Contains(body, []byte(`"Delete":`)) {
			return reply(r, http.StatusBadRequest, why), nil
		}
		return next.RoundTrip(r)
	})
}

// The limits of the store's pages, as they stand in a Query.
const (
	recordPage  = 10_000
	contactPage = 200
)

// shortPages lets a page of a customer's collection, and of the contacts of a number, be
// of a few items, so that few fill it.
func shortPages(next http.RoundTripper, items int) http.RoundTripper {
	return answering(func(r *http.Request, action string, body []byte) (*http.Response, error) {
		if action != "Query" {
			return next.RoundTrip(r)
		}
		for _, limit := range []int{recordPage, contactPage} {
			body = bytes.Replace(body, fmt.Appendf(nil, `"Limit":%d,`, limit), fmt.Appendf(nil, `"Limit":%d,`, items), 1)
		}
		again := r.Clone(r.Context())
		again.Body, again.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		return next.RoundTrip(again)
	})
}

func (sys *system) shortenPages(items int) { sys.Faults.Next = shortPages(sys.Faults.Next, items) }

// lossy carries out the nth call of an action, does something else, and loses the answer.
func lossy(next http.RoundTripper, action string, n int, do func()) http.RoundTripper {
	return answering(func(r *http.Request, called string, _ []byte) (*http.Response, error) {
		answer, err := next.RoundTrip(r)
		if called != action {
			return answer, err
		}
		if n--; n != 0 || err != nil {
			return answer, err
		}
		answer.Body.Close()
		do()
		return nil, errors.New("connection reset by peer")
	})
}

// tries is a transport that lets a test decide what becomes of each try of a call. Tries
// of the transactions that delete contacts are numbered from 1; all others are number 0.
type tries struct {
	next http.RoundTripper
	do   func(try int, action string, body []byte, r *http.Request) (*http.Response, error)

	mu      sync.Mutex
	counted int
}

// decideTries puts tries in front of the engine's calls, and lets all through for now.
func (sys *system) decideTries() *tries {
	x := &tries{next: sys.Faults.Next}
	x.do = func(_ int, _ string, _ []byte, r *http.Request) (*http.Response, error) {
		return x.next.RoundTrip(r)
	}
	sys.Faults.Next = answering(func(r *http.Request, action string, body []byte) (*http.Response, error) {
		try := 0
		if action == "TransactWriteItems" && bytes.Contains(body, []byte(`"party"`)) {
			x.mu.Lock()
			x.counted++
			try = x.counted
			x.mu.Unlock()
		}
		return x.do(try, action, body, r)
	})
	return x
}

// narrow is a DynamoDB that takes no transaction with more than most deletions of
// contacts.
type narrow struct {
	next   http.RoundTripper
	most   int
	answer string // to those that it does not take
	// Of which of the others it does not take; nil: of none.
	busy func(keys []string) bool

	mu       sync.Mutex
	sizes    []int    // of the transactions that it took
	last     []string // the keys that the last of them deleted
	rejected int
}

func (n *narrow) RoundTrip(r *http.Request) (*http.Response, error) {
	return answering(func(r *http.Request, action string, body []byte) (*http.Response, error) {
		if action != "TransactWriteItems" {
			return n.next.RoundTrip(r)
		}
		keys := deletedParties(body)
		n.mu.Lock()
		defer n.mu.Unlock()
		if len(keys) > n.most || n.busy != nil && n.busy(keys) {
			n.rejected++
			return reply(r, http.StatusBadRequest, n.answer), nil
		}
		if len(keys) > 0 {
			n.sizes, n.last = append(n.sizes, len(keys)), keys
		}
		return n.next.RoundTrip(r)
	}).RoundTrip(r)
}

// deletedParties is whose copies of contacts a transaction deletes.
func deletedParties(body []byte) (parties []string) {
	var in struct {
		TransactItems []struct {
			Delete *struct{ Key map[string]struct{ S string } }
		}
	}
	_ = json.Unmarshal(body, &in)
	for _, action := range in.TransactItems {
		if action.Delete != nil && action.Delete.Key["party"].S != "" {
			parties = append(parties, action.Delete.Key["party"].S)
		}
	}
	return parties
}
