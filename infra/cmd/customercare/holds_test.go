package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/repr"

	"customercare/infra/attribute"
	"customercare/infra/fixture"
	"customercare/infra/testkit/dynamotest"
	"customercare/infra/testkit/metrictest"
	"customercare/shared/digest"
	"customercare/shared/erasure"
	"customercare/shared/statement"
	"customercare/shared/store"
)

// eraser erases on the tables of a kit, by a clock that the test moves.
type eraser struct {
	*dynamotest.Kit
	clock   *dynamotest.Clock
	digests digest.Digester
}

func newEraser(kit *dynamotest.Kit) eraser {
	return eraser{kit, &dynamotest.Clock{Time: time.Now()},
		digest.Digester{Current: "1", Keys: map[string][]byte{"1": []byte(firstKey), "2": []byte(secondKey)}}}
}

func (e eraser) engineClock() erasure.Clock { return erasure.NewClock(e.clock.Now, e.clock.AfterFunc) }

// customer asks for the erasure of a customer of the shop.
func (e eraser) customer(t *testing.T, code string) (id string, err error) {
	t.Helper()
	intake := erasure.NewCustomerIntake(e.Erasures, e.Customers, e.Holds, e.digests, erasure.Timing{}, e.engineClock())
	return intake.Customer(t.Context(), erasure.CustomerRequest{Account: "shop", Code: code, By: "john"}, time.Minute)
}

// numbers asks for the erasure of numbers of acme.
func (e eraser) numbers(t *testing.T, numbers ...string) (id string) {
	t.Helper()
	id, err := erasure.NewNumbersIntake(e.Erasures, e.digests, e.clock.Now).Numbers(
		t.Context(), erasure.NumbersRequest{Tenant: "acme", Numbers: numbers, By: "app"})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// finish works until no erasure is open.
func (e eraser) finish(t *testing.T) {
	t.Helper()
	worker := erasure.NewWorker(e.Erasures, e.Customers, e.Contacts, e.Holds, nil, erasure.Timing{}, time.Minute, e.engineClock())
	for range 20 {
		e.clock.Advance(16 * time.Minute)
		if _, err := worker.Due(t.Context(), dynamotest.OpenIndex); err != nil {
			t.Fatal(err)
		}
		jobs, err := e.Erasures.ListOpen(t.Context(), dynamotest.OpenIndex, 10)
		if err != nil {
			t.Fatal(err)
		}
		if len(jobs) == 0 {
			return
		}
	}
	t.Fatal("erasures stay open")
}

// record is the statement of a record whose id is or begins so, which is there.
func (e eraser) record(t *testing.T, id string) statement.Statement {
	t.Helper()
	for _, found := range dynamotest.Items(t, e.Plain, e.Erasures.Table) {
		key := strings.TrimPrefix(attribute.ReadText(found, "erasureId"), store.RecordPrefix)
		if key != id && !strings.HasPrefix(key, id+"-") {
			continue
		}
		s, err := statement.Parse([]byte(attribute.ReadText(found, "statement")))
		if err != nil {
			t.Fatalf("%s: %v", id, err)
		}
		return s
	}
	t.Fatalf("there is no record of %s", id)
	return statement.Statement{}
}

// heldCase is a hold on customer 4711 of the shop and one on number 111 of acme, both
// placed by the command.
func heldCase(t *testing.T) eraser {
	t.Helper()
	kit := dynamotest.Open(t)
	keysSecret(t, kit, bothKeys, "1") // the second is there, and not deployed yet
	load(t, kit, fixture.Customer("shop", "4711").String()+"\n"+
		fixture.Contact("acme", "c", "111", "222").String()+"\n"+fixture.Contact("acme", "d", "222", "333").String())
	r := call(t, "4711\n", "holds", "place", "case-1", "-", "--customer", "shop", "--reason", "court", "--by", "legal")
	r.is(t, 0, "the hold case-1 is active")
	if metrictest.Names(r.String(), "4711") {
		t.Errorf("it prints the code: %v", r)
	}
	call(t, "", "holds", "place", "case-2", "111", "--number", "acme", "--reason", "court", "--by", "legal",
		"--until", "2999-01-02T03:04:05Z").is(t, 0, "the hold case-2 is active")
	return newEraser(kit)
}

// A hold that the command places is the function's: it refuses operation 3, keeps of
// operation 4 what it is about, and stands in the sealed log with who placed it. The
// list says what waits, and the release erases that.
func TestHoldsOfTheCommand(t *testing.T) {
	e := heldCase(t)
	if s := e.record(t, "hold-case-1"); s.By != "legal" || s.Type != statement.Held || s.Hold != "case-1" ||
		s.Subjects == nil || s.Subjects.N != 1 {
		t.Errorf("%s", repr.String(s))
	}
	if _, err := e.customer(t, "4711"); !errors.Is(err, erasure.ErrCustomerHeld) {
		t.Fatalf("a held customer is erased: %v", err)
	}
	for _, preview := range []result{
		call(t, "", "preview", "customer", "shop", "4711"), call(t, "111\n222\n", "preview", "numbers", "acme", "-"),
	} {
		if preview.code != 0 || !regexp.MustCompile("held +1\n").MatchString(preview.out) {
			t.Errorf("the preview: %v", preview)
		}
	}
	kept := e.numbers(t, "111", "222")
	e.finish(t)
	if s := e.record(t, kept); s.Type != statement.Partial || s.Found != 1 {
		t.Fatalf("%s", repr.String(s))
	}
	var all []shownHold
	list := call(t, "", "holds", "list", "--json")
	if err := json.Unmarshal([]byte(list.out), &all); err != nil || len(all) != 2 || list.code != 0 {
		t.Fatalf("%v: %v", err, list)
	}
	if h := all[0]; h.ID != "case-2" || h.Status != "active" || h.Numbers != 2 || len(h.Erasures) != 1 || h.Erasures[0] != kept ||
		h.Until == nil || h.Released != nil || h.Number != "" {
		t.Errorf("%+v", h)
	}
	if h := all[1]; h.ID != "case-1" || h.Kind != "customer" || h.Numbers != 0 || len(h.Erasures) != 1 || h.Until != nil ||
		!store.IsID(h.Erasures[0]) || !strings.HasPrefix(h.Digest, "1.") || h.Code != "" {
		t.Errorf("%+v", h)
	}
	rows := call(t, "", "holds", "list")
	for _, words := range []string{"case-2 +active +a number of acme +legal ", "case-1 +active +a customer of shop +legal ",
		"the customer's erasure", "2 numbers of 1 erasure", "2999-01-02 03:04:05Z"} {
		if !regexp.MustCompile(words).MatchString(rows.out) {
			t.Errorf("no %q in\n%s", words, rows.out)
		}
	}
	if metrictest.Names(rows.out+list.out, "4711") || metrictest.Names(rows.out+list.out, "111") {
		t.Errorf("the list names somebody:\n%s%s", rows.out, list.out)
	}
	if r := call(t, "", "holds", "show", "case-2", "--identifiers"); !strings.Contains(r.out, "a number of acme: 111") {
		t.Error(r)
	}

	for id, waited := range map[string]string{"case-1": all[1].Erasures[0], "case-2": ""} {
		r := call(t, "", "holds", "release", id, "--by", "judge", "--json")
		r.is(t, 0, "the hold "+id+" is released in ")
		var h shownHold
		if err := json.Unmarshal([]byte(r.out), &h); err != nil || h.Status != "released" || h.ReleasedBy != "judge" ||
			h.By != "legal" || h.Released == nil || len(h.Erasures) != 0 {
			t.Errorf("%v: %v", err, r)
		}
		if s := e.record(t, "released-"+id); s.By != "judge" || s.Type != statement.Released {
			t.Errorf("%s", repr.String(s))
		}
		if waited != "" {
			if record, err := e.Erasures.ReadRecord(t.Context(), waited); err != nil || record.Job == "" {
				t.Errorf("the erasure %s that was refused is not open: %s, %v", waited, repr.String(record), err)
			}
		}
	}
	e.finish(t)
	for _, table := range []string{e.Kit.Customers.Table, e.Kit.Contacts.Table} {
		if left := e.Dump(t, table); len(left) > 0 {
			t.Errorf("left after the release: %v", left)
		}
	}
	call(t, "", "holds", "release", "case-1", "--by", "judge").is(t, 0, "the hold case-1 is released")
	call(t, "", "holds", "list").is(t, 0, "no hold stands")
	call(t, "", "holds", "place", "case-1", "4711", "--customer", "shop", "--reason", "court", "--by", "legal").
		is(t, 1, "there is or was another hold case-1")
}

// What is wrong is told in a sentence, and changes nothing.
func TestHoldsThatAreRefused(t *testing.T) {
	e := heldCase(t)
	before := e.Dump(t, e.Holds.Table)
	const place = "holds place case-9 4712 --customer shop --reason court --by legal"
	for call1, says := range map[string]string{
		"holds place case-9":                                                "2 SUBJECT is missing",
		"holds place Case 4712 --customer shop":                             "2 ID must be 1 to 64 small letters",
		place + " --number acme":                                            "2 say either --customer ACCOUNT or --number TENANT",
		"holds place case-9 4712 --reason court --by legal":                 "2 say either --customer",
		"holds place case-9 4712 --customer shop --by legal":                "2 --reason must say why",
		"holds place case-9 4712 --customer shop --reason court":            "2 --by must say who places the hold",
		place + " --until tomorrow":                                         "2 --until must be a time",
		place + " --until 2020-01-02T03:04:05Z":                             "2 --until must be in the future",
		strings.Replace(place, "4712", strings.Repeat("x", 129), 1):         "1 must have 1 to 128 bytes",
		"holds place case-1 4712 --customer shop --reason court --by legal": "1 there is or was another hold case-1",
		"holds show case-9":                                                 "1 there is no hold case-9",
		"holds release case-9":                                              "2 --by must say who releases the hold",
		"holds release case-9 --by legal":                                   "1 there is no hold case-9",
		"holds list --limit 0":                                              "2 --limit must be at least 1",
	} {
		code := int(says[0] - '0')
		call(t, "", strings.Fields(call1)...).is(t, code, says[2:])
	}
	call(t, "", strings.Fields(strings.Replace(place, "4712", "-", 1))...).is(t, 1, "- is empty")
	call(t, "", "holds", "place", "case-1", "4711", "--customer", "shop", "--reason", "court", "--by", "legal").
		is(t, 0, "the hold case-1 was active before")
	load(t, e.Kit, fixture.Customer("shop", "gone").String())
	if _, err := e.customer(t, "gone"); err != nil {
		t.Fatal(err)
	}
	call(t, "", "holds", "place", "case-9", "gone", "--customer", "shop", "--reason", "court", "--by", "legal").
		is(t, 1, "the customer is being erased, so nothing can be held any more")
	if after := e.Dump(t, e.Holds.Table); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("%v\nbefore: %v", after, before)
	}
}

// A contact that a hold keeps is no foreign record in a restored table: it can be
// restored, without its mark.
func TestHeldContactsAreRestorable(t *testing.T) {
	e := heldCase(t)
	r := call(t, "", "restorable", "--table", e.Kit.Contacts.Table, "--since", time.Now().UTC().Format(time.RFC3339))
	r.is(t, 0, "2 records can be restored")
	if strings.Contains(r.out, `"held"`) || strings.Count(r.out, "\n") != 2 {
		t.Error(r)
	}
}

// After a restore that lost the marks, the command puts back each of them.
func TestHoldsAreMarkedAgain(t *testing.T) {
	e := heldCase(t)
	before := e.Dump(t, e.Kit.Contacts.Table)
	for _, number := range []string{"111", "222"} {
		err := e.Kit.Contacts.UnmarkCopy(t.Context(), "acme", number, "2026-01-02T03:04:05.000000000Z#c", []string{"case-2"})
		if err != nil {
			t.Fatal(err)
		}
	}
	if fmt.Sprint(before) == fmt.Sprint(e.Dump(t, e.Kit.Contacts.Table)) {
		t.Fatal("no mark was lost")
	}
	for range 2 {
		call(t, "", "holds", "mark").is(t, 0, "")
		if after := e.Dump(t, e.Kit.Contacts.Table); fmt.Sprint(before) != fmt.Sprint(after) {
			t.Errorf("%v\nbefore: %v", after, before)
		}
	}
}
