package usual

import (
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/bench/result"
	"customercare/infra/bench/setup"
	"customercare/infra/testkit/dynamotest"
	"customercare/shared/store"
)

// TestScriptsErase lets each way erase a whole collection: a way that did less than the work would be no measure.
func TestScriptsErase(t *testing.T) {
	python := interpreter(t.Context())
	if python == "" {
		t.Skip("needs python3 with boto3")
	}
	for _, w := range ways {
		t.Run(w.script, func(t *testing.T) {
			kit := dynamotest.Open(t)
			customer, other := store.CustomerKey("shop", "1"), store.CustomerKey("shop", "10")
			item := func(customer, record string) map[string]types.AttributeValue {
				return map[string]types.AttributeValue{
					"customer": &types.AttributeValueMemberS{Value: customer}, "record": &types.AttributeValueMemberS{Value: record},
				}
			}
			fill := func(n int) {
				items := []map[string]types.AttributeValue{item(customer, store.CustomerRecord)}
				for i := range n {
					items = append(items, item(customer, store.TransactionRecord("c", strconv.Itoa(i))))
				}
				kit.Put(t, kit.Customers.Table, items...)
			}
			const transactions = 1130 // more than a page, and no whole number of batches
			fill(transactions)
			kit.Put(t, kit.Customers.Table, item(other, store.CustomerRecord))
			s := setup.Setup{Root: dynamotest.Root(), Endpoint: os.Getenv("DYNAMODB_ENDPOINT")}
			did, err := plan{seconds: 60}.run(t.Context(), s, python, w.script, kit.Customers.Table, customer)
			if err != nil {
				t.Fatal(err)
			}
			if did.Deleted != transactions+1 || did.Seconds <= 0 {
				t.Errorf("it says %+v", did)
			}
			if left := kit.Dump(t, kit.Customers.Table); len(left) != 1 {
				t.Errorf("%d items are left: %v", len(left), left[:min(3, len(left))])
			}
			// With no time at all it stops at once, and says what it has done.
			const more = 60
			fill(more)
			if did, err = (plan{}).run(t.Context(), s, python, w.script, kit.Customers.Table, customer); err != nil {
				t.Fatal(err)
			}
			if left := kit.Dump(t, kit.Customers.Table); did.Deleted > 25 || len(left) != 1+more+1-did.Deleted {
				t.Errorf("it says %+v of %d, and %d are left", did, more, len(left)-1)
			}
		})
	}
}

func TestFigure(t *testing.T) {
	w, p := way{"x.py", "x", 5}, plan{transactions: 100_000}
	for name, f := range map[string]struct {
		did   part
		ratio float64
		met   bool
		noted bool
	}{
		"met":          {part{4000, 4}, 10, true, false},
		"missed by us": {part{8400, 4}, 10_000. / 2100, false, false},
		"out of reach": {part{10_000, 4}, 4, false, true},
		"none":         {part{}, 0, true, true},
	} {
		got := w.figure(p, 10_000, 12_000, f.did)
		if got.Ratio != f.ratio || got.Met != f.met || (got.Goal == "") != (f.did.Deleted == 0) || (got.Note != "") != f.noted {
			t.Errorf("%s: %+v", name, got)
		}
		if err := (result.Measured{Figures: []result.Figure{got}}).Check(); err != nil {
			t.Error(err)
		}
	}
}

// TestEnvironment: nobody's settings lead the scripts to another service.
func TestEnvironment(t *testing.T) {
	t.Setenv("AWS_PROFILE", "mine")
	t.Setenv("https_proxy", "http://192.0.2.1:1")
	t.Setenv("USUAL_TEST", "1")
	env := environment()
	if slices.ContainsFunc(env, func(v string) bool { return v == "AWS_PROFILE=mine" || v == "https_proxy=http://192.0.2.1:1" }) || !slices.Contains(env, "USUAL_TEST=1") {
		t.Errorf("%v", env)
	}
}
