package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"customercare/infra/attribute"
	"customercare/infra/fixture"
	"customercare/infra/ledger"
	"customercare/infra/testkit/dynamotest"
	"customercare/infra/testkit/metrictest"
	"customercare/shared/digest"
	"customercare/shared/erasure"
)

// An import names and refuses whoever is on record as erased, under any key of digests,
// whether the erasure is open or over, and says which lines. --since and --returning say
// who came back.
func TestAnImportBringsNobodyBack(t *testing.T) {
	kit := dynamotest.Open(t)
	keysSecret(t, kit, bothKeys, "2")
	customers := []string{"old", "young", "open", "living"}
	var lines []string
	for _, code := range customers {
		lines = append(lines, fixture.Customer("shop", code).String())
	}
	lines = append(lines, fixture.Contact("acme", "gone", "111", "222").String(),
		fixture.Contact("acme", "kept", "111", "333").String(),
		`{"kind":"user","customerId":"u1","devices":{"d1":{}}}`)
	all := strings.Join(lines, "\n")
	call(t, all, "import", "-").is(t, 0, "")

	clock := &dynamotest.Clock{Time: time.Now().Add(-100 * 24 * time.Hour)}
	engineClock := erasure.NewClock(clock.Now, clock.AfterFunc)
	digests := func(current string) digest.Digester {
		return digest.Digester{Current: current, Keys: map[string][]byte{"1": []byte(firstKey), "2": []byte(secondKey)}}
	}
	erase := func(code, key string, timing erasure.Timing) {
		t.Helper()
		intake := erasure.NewCustomerIntake(kit.Erasures, kit.Customers, kit.Holds, digests(key), timing, engineClock)
		asked := erasure.CustomerRequest{Account: "shop", Code: code, By: "john"}
		if _, err := intake.Customer(t.Context(), asked, time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	work := func() {
		t.Helper()
		worker := erasure.NewWorker(kit.Erasures, kit.Customers, kit.Contacts, kit.Holds, nil, erasure.Timing{}, time.Minute, engineClock)
		if _, err := worker.Due(t.Context(), dynamotest.OpenIndex); err != nil {
			t.Fatal(err)
		}
	}
	erase("old", "1", erasure.Timing{})
	work()
	clock.Advance(24 * time.Hour)
	since := clock.Time.UTC().Format(time.RFC3339Nano)
	clock.Advance(24 * time.Hour)
	erase("young", "2", erasure.Timing{})
	many := []string{"222"} // whose digests are an item of their own
	for i := range 20 {
		many = append(many, strings.Repeat("9", i+3))
	}
	numbers := erasure.NewNumbersIntake(kit.Erasures, digests("2"), clock.Now)
	if _, err := numbers.Numbers(t.Context(), erasure.NumbersRequest{Tenant: "acme", Numbers: many, By: "app"}); err != nil {
		t.Fatal(err)
	}
	work()
	erase("open", "1", erasure.Timing{WriterLifetime: 1000 * time.Hour})

	named := func(r result) (numbers []string) {
		for line := range strings.Lines(r.errs) {
			if of, _, is := strings.Cut(line, ": a data subject of this line was erased"); is {
				numbers = append(numbers, strings.TrimPrefix(of, "line "))
			}
		}
		slices.Sort(numbers)
		return numbers
	}
	r := call(t, all, "import", "-")
	r.is(t, 3, "4 lines might bring back what was erased or removed since")
	if got := named(r); !slices.Equal(got, []string{"1", "2", "3", "5"}) || strings.Contains(r.errs, "shop") ||
		metrictest.Names(r.errs, "222") {
		t.Errorf("named %v: %v", got, r)
	}
	for _, line := range kit.Dump(t, kit.Customers.Table) {
		if strings.Contains(line, "shop#old") || strings.Contains(line, "shop#young") {
			t.Errorf("came back: %s", line)
		}
	}
	converted := filepath.Join(t.TempDir(), "out")
	r = call(t, all, "convert", "-", "--out", converted)
	r.is(t, 3, "4 lines might bring back what was erased or removed since, and not converted")
	files := unpacked(t, converted, "Customers") + unpacked(t, converted, "Contacts")
	if got := named(r); !slices.Equal(got, []string{"1", "2", "3", "5"}) || strings.Count(files, "\n") != 3 {
		t.Errorf("named %v: %v\n%s", got, r, files)
	}
	r = call(t, all, "convert", "-", "--out", converted+"2", "--since", since)
	if got := named(r); r.code != 3 || !slices.Equal(got, []string{"2", "3", "5"}) {
		t.Errorf("named %v: %v", got, r)
	}
	r = call(t, all, "import", "-", "--since", since) // old had come back by then
	if got := named(r); r.code != 3 || !slices.Equal(got, []string{"2", "3", "5"}) {
		t.Errorf("named %v: %v", got, r)
	}
	call(t, all, "import", "-", "--keys", file(t, `{"1":"`+firstKey+`"}`)).
		is(t, 1, `stopped at line 1: the ledger has digests made with the key "2", which is not among those given`)
	call(t, all, "import", "-", "--returning", "--keys", "nowhere").is(t, 3, // the tombstone's condition holds
		"line 3: the customer is being erased, try again later")
	call(t, all, "import", "-", "--keys", "-").is(t, 2, "cannot both be standard input")
	call(t, all, "import", "-", "--since", "2999-01-02T03:04:05Z").is(t, 2, "--since is in the future")
	call(t, all, "import", "-", "--since", since, "--returning").is(t, 2, "--since means nothing")

	// Under a key that was destroyed nobody is found, and the import says so.
	inUse := ledger.Ledger{DB: kit.Plain, Table: kit.Erasures.Table}
	if _, err := inUse.DestroyKey(t.Context(), "1", time.Now()); err != nil {
		t.Fatal(err)
	}
	r = call(t, lines[0], "import", "-", "--keys", file(t, `{"2":"`+secondKey+`"}`))
	r.is(t, 0, "the key 1 of digests is destroyed")

	// A ledger that cannot be read must not look like one of nobody.
	kit.Put(t, kit.Erasures.Table, attribute.Item{
		"erasureId": attribute.Text("erasure-x"), "subjects": attribute.Texts("2.zz"), "kind": attribute.Text("customer"),
	})
	call(t, lines[3], "import", "-").is(t, 1, "stopped at line 1: ")
	call(t, lines[6], "import", "-").is(t, 0, "") // a user is in no erasure
}

// What operation 1 removed of a user comes back with --returning alone.
func TestAnImportUndoesNoReset(t *testing.T) {
	kit := dynamotest.Open(t)
	keysSecret(t, kit, bothKeys, "2")
	user := `{"kind":"user","customerId":"u1","devices":{"d1":{}}}`
	call(t, user, "import", "-").is(t, 0, "")
	if err := kit.Users.UnregisterDevices(t.Context(), "u1", time.Now()); err != nil {
		t.Fatal(err)
	}
	r := call(t, user, "import", "-", "--json")
	r.is(t, 3, "line 1: the user stands without something that this line has")
	if !strings.Contains(r.out, `"mightComeBack": 1`) || strings.Contains(r.errs, "u1") {
		t.Error(r)
	}
	call(t, user, "import", "-", "--returning").is(t, 0, "")
}
