package clients

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/bench/erase/bed"
	"customercare/infra/bench/result"
	"customercare/infra/bench/setup"
	"customercare/infra/testkit/dynamotest"
)

// With any number of clients every figure is there, and nothing is left of any customer: else Measure fails.
func TestMeasure(t *testing.T) {
	s := setup.In(dynamotest.Root())
	s.Endpoint, s.Log, s.Say = os.Getenv("DYNAMODB_ENDPOINT"), io.Discard, t.Logf
	if s.Endpoint == "" {
		t.Skip("needs a DynamoDB: run `make test`, or set DYNAMODB_ENDPOINT")
	}
	if err := setup.Build(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	measured, err := plan{rounds: 2, loads: []load{{1, 5}, {8, 20}}}.measure(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if err := measured.Check(); err != nil {
		t.Error(err)
	}
	for _, clients := range []int{1, 8} {
		for against, goal := range map[string]string{"the vault": ">= 236", "": ""} {
			at := slices.IndexFunc(measured.Figures, func(f result.Figure) bool {
				return f.Table == 7 && f.Case == load{clients: clients}.name() && f.Against == against
			})
			if at < 0 {
				t.Errorf("no figure of %d clients against %q", clients, against)
			} else if f := measured.Figures[at]; f.Ours <= 0 || f.Floor <= 0 || f.Ratio <= 0 || f.Runs != 2 || f.Goal != goal {
				t.Errorf("%+v", f)
			}
		}
	}
	points := 0
	for _, c := range measured.Curves {
		points += len(c.X)
	}
	if points != 2+2+1 { // the vault has no figure with 8
		t.Errorf("%d points in %v", points, measured.Curves)
	}
}

// Who is said to be deleted and is not, is found.
func TestLeft(t *testing.T) {
	kit := dynamotest.Open(t)
	s := stage{db: kit.Plain, table: kit.Customers.Table}
	kit.Put(t, s.table, map[string]types.AttributeValue{
		"customer": &types.AttributeValueMemberS{Value: "a"}, "record": &types.AttributeValueMemberS{Value: "customer"}, "tombstone": &types.AttributeValueMemberS{Value: "job"},
	})
	if err := s.nothingLeft(t.Context()); err != nil {
		t.Errorf("a tombstone: %v", err)
	}
	if err := bed.FillCustomers(t.Context(), s.db, s.table, []string{"b"}, transactions); err != nil {
		t.Fatal(err)
	}
	if err := s.nothingLeft(t.Context()); err == nil || !strings.Contains(err.Error(), "4 items") {
		t.Errorf("a customer with %d transactions: %v", transactions, err)
	}
}

// attackOn is an attack on a server that answers "deleted" in 10 ms, but for the one with the code "bad". The first two
// calls are answered once both have come.
func attackOn(t *testing.T, clients int, codes ...string) (r run, most int64, seen []string, err error) {
	var busy, peak atomic.Int64
	asked := make(chan string, 2*len(codes))
	var begun atomic.Int64
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
		if code == "bad" {
			fmt.Fprint(w, `<response status="error">`)
			return
		}
		fmt.Fprint(w, bed.Deleted)
	}))
	defer server.Close()
	r, err = attack(t.Context(), server.URL, codes, clients)
	close(asked)
	for code := range asked {
		seen = append(seen, code)
	}
	slices.Sort(seen)
	return r, peak.Load(), seen, err
}

// Each customer is asked for once, and never by more clients than there are.
func TestAttack(t *testing.T) {
	codes := []string{"a", "b", "c", "d", "e", "f"}
	r, most, seen, err := attackOn(t, 2, codes...)
	if err != nil || most != 2 || !slices.Equal(seen, codes) {
		t.Errorf("%d at once asked for %v: %v", most, seen, err)
	}
	if r.rate <= 0 || r.rate > 200 || len(r.latencies) != 6 || slices.Min(r.latencies) < 10 { // 6 of 10 ms by two at a time
		t.Errorf("%+v", r)
	}
}

// One wrong answer is an error, not a fast one.
func TestAttackThatIsRefused(t *testing.T) {
	if _, _, _, err := attackOn(t, 2, "a", "bad", "c"); err == nil || !strings.Contains(err.Error(), "error") {
		t.Errorf("a refusal counts as deleted: %v", err)
	}
}
