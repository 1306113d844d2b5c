package erasure

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"customercare/infra/attribute"
	"customercare/infra/testkit/metrictest"
	"customercare/shared/statement"
)

// tamper changes the record of the one open erasure as somebody does by hand.
func (sys *system) tamper(t testing.TB, update string, values item) {
	t.Helper()
	sys.tampered = true
	key := item{"erasureId": attribute.Text(sys.ledger(t).begun[0].key)}
	if update == "" {
		sys.deleteItem(t, sys.Kit.Erasures.Table, key)
		return
	}
	_, err := sys.Plain.UpdateItem(context.Background(), &dynamodb.UpdateItemInput{
		TableName: &sys.Kit.Erasures.Table, Key: key, UpdateExpression: &update, ExpressionAttributeValues: values,
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Evidence never keeps an erasure from its end: not where somebody has removed its
// record, or written on it, or taken the digests of its subjects away.
func TestTamperedEvidenceBlocksNothing(t *testing.T) {
	t.Parallel()
	begin := map[string]func(t *testing.T, sys *system){
		"customer":     func(t *testing.T, sys *system) { sys.eraseCustomer(t) },
		"numbers":      func(t *testing.T, sys *system) { sys.eraseNumbers(t, twoNumbers...) },
		"many numbers": func(t *testing.T, sys *system) { sys.eraseNumbers(t, manyNumbers()...) },
	}
	for kind, begin := range begin {
		for name, c := range map[string]struct {
			tamper func(t *testing.T, sys *system)
			check  func(t *testing.T, r entry)
		}{
			// It says how it ended. Nobody knows whether its acceptance was sealed, so
			// that does not come back.
			"removed": {func(t *testing.T, sys *system) { sys.tamper(t, "", nil) }, func(t *testing.T, r entry) {
				ended, err := statement.Parse([]byte(r.statement))
				if err != nil || ended.Type != statement.Erased || r.accepted != "" || r.unlogged == "" || r.state != "done" {
					t.Errorf("%v: %s", err, r.json)
				}
			}},
			"with a statement already": {
				func(t *testing.T, sys *system) {
					sys.tamper(t, "SET statement = :s", item{":s": attribute.Text("earlier")})
				}, func(t *testing.T, r entry) {
					if r.statement != "earlier" {
						t.Errorf("a statement was written over: %s", r.json)
					}
				}},
		} {
			t.Run(kind+" "+name, func(t *testing.T) {
				t.Parallel()
				sys := newSystem(t)
				sys.putCustomer(t, "shop", "4711", 2)
				begin(t, sys)
				c.tamper(t, sys)
				sys.finishAll(t)
				records := sys.ledger(t).records
				if len(records) != 1 {
					t.Fatalf("%d records: %+v", len(records), records)
				}
				c.check(t, records[0])
			})
		}
	}
	t.Run("without digests", func(t *testing.T) {
		t.Parallel()
		sys := newSystem(t)
		sys.eraseNumbers(t, manyNumbers()...)
		sys.tampered = true
		for _, e := range sys.ledger(t).all {
			if strings.HasPrefix(e.key, "subjects-") {
				sys.deleteItem(t, sys.Kit.Erasures.Table, item{"erasureId": attribute.Text(e.key)})
			}
		}
		sys.finishAll(t)
		if r := sys.wantRecord(t, 0); strings.Contains(r.statement, "subjects") {
			t.Errorf("a statement of unknown subjects: %s", r.statement)
		}
	})
}

// A job whose numbers somebody has taken away never ends: nobody has looked for them, and
// its record must not say so. Cleanup says what it lacks.
func TestJobWithoutItsNumbers(t *testing.T) {
	for name, c := range map[string]struct {
		numbers []string
		key     func(sys *system, numbers []string) string
	}{
		"in the job":       {twoNumbers, func(sys *system, numbers []string) string { return sys.numbersJob(numbers...) }},
		"in the job alone": {severalNumbers(), func(sys *system, numbers []string) string { return sys.numbersJob(numbers...) }},
		"in an item of their own": {manyNumbers(), func(sys *system, numbers []string) string {
			return strings.Replace(sys.numbersJob(numbers...), "numbers-", "identifiers-", 1)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			sys := newSystem(t)
			sys.eraseNumbers(t, c.numbers...)
			sys.tampered = true
			update := "SET identifiers = :none"
			_, err := sys.Plain.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
				TableName: &sys.Kit.Erasures.Table, UpdateExpression: &update,
				Key:                       item{"erasureId": attribute.Text(c.key(sys, c.numbers))},
				ExpressionAttributeValues: item{":none": attribute.Texts()},
			})
			if err != nil {
				t.Fatal(err)
			}
			log := metrictest.Capture(t)
			for range 3 {
				sys.clock.Advance(time.Hour)
				sys.cleanUp(t)
			}
			if l := sys.ledger(t); len(l.records) > 0 || len(l.open) != 1 {
				t.Errorf("ended without its numbers: %+v", l.records)
			}
			if text := log.String(); strings.Count(text, "identifiers are missing") < 3 || strings.Contains(text, "panic") {
				t.Errorf("the log says %s", text)
			}
		})
	}
}

// A record whose job somebody has taken away stays open for ever: its acceptance stands
// without an end, as it should. The same asked again is an erasure of its own, which
// ends.
func TestRecordWithoutItsJob(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	sys.eraseNumbers(t, twoNumbers...)
	sys.tampered = true
	sys.deleteItem(t, sys.Kit.Erasures.Table, item{"erasureId": attribute.Text(sys.ledger(t).open[0].key)})
	lost := sys.ledger(t).begun[0]
	sys.eraseNumbers(t, twoNumbers...)
	sys.finishAll(t)
	l := sys.ledger(t)
	if len(l.records) != 1 || len(l.begun) != 1 || l.begun[0].json != lost.json || l.records[0].key == lost.key {
		t.Errorf("records %+v, begun %+v", l.records, l.begun)
	}
}

// Whoever seals the log may be marking the record at the moment of the end. The end waits
// that out, and counts no failure.
func TestEndWhileTheRecordIsMarked(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	sys.eraseNumbers(t, twoNumbers...)
	sys.goOn(t, sys.numbersJob(twoNumbers...))
	sys.clock.Advance(7 * time.Minute)
	conflicts := 0
	e := sys.through(func(next http.RoundTripper) http.RoundTripper {
		return conflicting(next, func() bool { conflicts++; return conflicts <= 2 })
	})
	if _, err := e.Due(t.Context()); err != nil {
		t.Fatal(err)
	}
	if conflicts != 3 || len(sys.ledger(t).records) != 1 {
		t.Errorf("%d tries, records %+v", conflicts, sys.ledger(t).records)
	}
}
