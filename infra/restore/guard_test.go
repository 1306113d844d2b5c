package restore

import (
	"context"
	"strings"
	"testing"
	"time"

	"customercare/infra/ledger"
	"customercare/infra/testkit/dynamotest"
	"customercare/shared/digest"
)

// The ledger is read once, keys are asked for where there is a digest alone, and a ledger
// too large for memory is an error and not nobody.
func TestAGuardReadsTheLedgerOnce(t *testing.T) {
	inUse := dynamotest.Open(t)
	asked := 0
	guard := func() *Guard {
		return &Guard{
			Ledger: ledger.Ledger{DB: inUse.Plain, Table: inUse.Erasures.Table},
			Keys:   func(context.Context) (digest.Digester, error) { asked++; return digests, nil },
		}
	}
	if erased, err := guard().Erased(t.Context(), "customer", "shop", "1"); erased || err != nil || asked != 0 {
		t.Errorf("%v, %v, asked %d times", erased, err, asked)
	}
	for _, code := range []string{"1", "2", "4", "5", "6", "7", "8", "9"} { // in an order that is not sorted
		erased(t, inUse, code, time.Now().Add(-time.Hour), true)
	}
	g := guard()
	for code, want := range map[string]bool{"1": true, "2": true, "3": false, "4": true, "5": true, "6": true, "7": true, "8": true, "9": true} {
		if erased, err := g.Erased(t.Context(), "customer", "shop", code); erased != want || err != nil {
			t.Errorf("%s: %v, %v", code, erased, err)
		}
		if erased, err := g.Erased(t.Context(), "number", "shop", code); erased || err != nil {
			t.Errorf("number %s: %v, %v", code, erased, err)
		}
	}
	if asked != 1 {
		t.Errorf("keys are asked for %d times", asked)
	}
	full := guard()
	full.most = 1
	if _, err := full.Erased(t.Context(), "customer", "shop", "3"); err == nil ||
		!strings.Contains(err.Error(), "more than 1 digests") {
		t.Error(err)
	}
	full.Since = time.Now().Add(time.Hour)
	if erased, err := full.Erased(t.Context(), "customer", "shop", "1"); erased || err != nil {
		t.Errorf("%v, %v", erased, err)
	}
}
