// Package writers runs the programs of docs/data.md that write beside customercare, as
// they stand in the page, at every moment of an erasure: what their two rules promise
// holds with them, and not without.
package writers

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"customercare/infra/attribute"
	"customercare/infra/importer"
	"customercare/infra/testkit/dynamotest"
	"customercare/shared/digest"
	"customercare/shared/erasure"
	"customercare/shared/store"
)

// program is how a program of the page is run: the command in front of its arguments.
type program struct {
	command []string
	often   bool // it starts fast enough to be run at every moment
}

// programs are those of docs/data.md, by the language of their blocks, without the lines
// that a pattern finds; "" leaves them whole. A language that is not installed is left
// out, and said so.
func programs(t *testing.T, without string) map[string]program {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(dynamotest.Root(), "docs", "data.md"))
	if err != nil {
		t.Fatal(err)
	}
	all, dir := map[string]program{}, t.TempDir()
	for _, block := range regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$").FindAllStringSubmatch(string(page), -1) {
		language, text := block[1], block[2]
		if without != "" {
			text = regexp.MustCompile(`(?m)^.*`+without+`\n`).ReplaceAllString(text, "")
			if text == block[2] {
				t.Fatalf("the program in %s has no line like %s", language, without)
			}
		}
		source := filepath.Join(dir, "main."+map[string]string{"go": "go", "python": "py"}[language])
		if err := os.WriteFile(source, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		switch language {
		case "go":
			binary := filepath.Join(dir, "writer")
			build := exec.Command("go", "build", "-o", binary, source)
			build.Dir = dynamotest.Root()
			if said, err := build.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, said)
			}
			all[language] = program{[]string{binary}, true}
		case "python":
			if boto3() != nil {
				t.Run(language, func(t *testing.T) { t.Skip("python3 with boto3 is not installed (pip install boto3)") })
				continue
			}
			all[language] = program{[]string{"python3", source}, false}
		default:
			t.Fatalf("a block in %q, which nothing tests", language)
		}
	}
	if _, is := all["go"]; !is {
		t.Fatal("docs/data.md has no program in Go")
	}
	return all
}

// boto3 is nil where python3 has boto3.
var boto3 = sync.OnceValue(func() error { return exec.Command("python3", "-c", "import boto3").Run() })

// run runs a program on the kit's tables, and says whether it has written.
func (p program) run(t *testing.T, kit *dynamotest.Kit, args ...string) (written bool) {
	t.Helper()
	cmd := exec.Command(p.command[0], slices.Concat(p.command[1:], args)...)
	cmd.Env = append(os.Environ(), "NO_PROXY=*", "no_proxy=*", "AWS_ENDPOINT_URL_DYNAMODB="+os.Getenv("DYNAMODB_ENDPOINT"),
		"AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1", "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test",
		"CUSTOMERS_TABLE="+kit.Customers.Table, "CONTACTS_TABLE="+kit.Contacts.Table)
	said, err := cmd.Output() // the SDK may warn on standard error
	exit, _ := errors.AsType[*exec.ExitError](err)
	switch {
	case err == nil && string(said) == "written\n":
		return true
	case exit != nil && exit.ExitCode() == 3 && string(said) == "refused\n":
		return false
	}
	var warned []byte
	if exit != nil {
		warned = exit.Stderr
	}
	t.Fatalf("%q: %v: %s%.1000s", args, err, said, warned)
	return false
}

var digests = digest.Digester{Current: "1", Keys: map[string][]byte{"1": []byte("digest-key-of-the-tests-of-writers-0123456789")}}

// bench is where erasures are made, one after the other.
type bench struct {
	*dynamotest.Kit
	clock *dynamotest.Clock
	n     int // erasures so far
	wrong int // writers that a tombstone did not refuse
}

func open(t *testing.T) *bench {
	return &bench{Kit: dynamotest.Open(t), clock: &dynamotest.Clock{Time: time.Now()}}
}

const writerLifetime = time.Minute

// erase opens an erasure and lets it come to its end.
func (b *bench) erase(t *testing.T, accept func(timing erasure.Timing, clock erasure.Clock) error) {
	t.Helper()
	timing, clock := erasure.Timing{WriterLifetime: writerLifetime}, erasure.NewClock(b.clock.Now, b.clock.AfterFunc)
	if err := accept(timing, clock); err != nil {
		t.Fatal(err)
	}
	worker := erasure.NewWorker(b.Erasures, b.Customers, b.Contacts, b.Holds, nil, timing, time.Minute, clock)
	for range 2 { // what is there, and after the writers' time once more
		if _, err := worker.Due(t.Context(), dynamotest.OpenIndex); err != nil {
			t.Fatal(err)
		}
		b.clock.Advance(2 * writerLifetime)
	}
	if _, err := worker.Due(t.Context(), dynamotest.OpenIndex); err != nil {
		t.Fatal(err)
	}
}

// stored are the items of a table under a partition key.
func (b *bench) stored(t *testing.T, table, name, key string) (all []attribute.Item) {
	t.Helper()
	for _, item := range dynamotest.Items(t, b.Plain, table) {
		if attribute.ReadText(item, name) == key {
			all = append(all, item)
		}
	}
	return all
}

// customer erases a customer, while the program writes one of the customer's transactions
// and the customer, at the moment that plan makes. left is what stands afterwards.
func (b *bench) customer(t *testing.T, p program, plan func(do func())) (left string) {
	t.Helper()
	b.n++
	code := fmt.Sprint(b.n)
	of := attribute.Text("shop#" + code)
	b.Put(t, b.Kit.Customers.Table, attribute.Item{"customer": of, "record": attribute.Text("customer")},
		attribute.Item{"customer": of, "record": attribute.Text("txn#c#1")})
	accepted := false
	plan(func() {
		tombstone := false
		for _, item := range b.stored(t, b.Kit.Customers.Table, "customer", "shop#"+code) {
			tombstone = tombstone || item["tombstone"] != nil
		}
		if accepted && !tombstone {
			return // it is over: this would be a late load
		}
		written := p.run(t, b.Kit, "transaction", "shop", code, "c", "2", "1.50")
		if !written || !tombstone { // one that is written against the rule must be left alone
			written = p.run(t, b.Kit, "customer", "shop", code, "n")
		}
		if tombstone && written {
			b.wrong++
		}
	})
	b.erase(t, func(timing erasure.Timing, clock erasure.Clock) error {
		intake := erasure.NewCustomerIntake(b.Erasures, b.Customers, b.Holds, digests, timing, clock)
		_, err := intake.Customer(t.Context(), erasure.CustomerRequest{Account: "shop", Code: code, By: "john"}, time.Minute)
		accepted = true
		return err
	})
	if items := b.stored(t, b.Kit.Customers.Table, "customer", "shop#"+code); len(items) > 0 {
		return fmt.Sprintf("%d items are left", len(items))
	}
	return ""
}

// contact erases a number, while the program moves a contact of it to another, at the
// moment that plan makes. left is what should not stand afterwards.
func (b *bench) contact(t *testing.T, p program, plan func(do func())) (left string) {
	t.Helper()
	b.n++
	at, id := "2026-01-02T03:04:05Z", fmt.Sprint(b.n)
	erased, kept, other := "erased"+id, "kept"+id, "other"+id
	copies := func() (all []attribute.Item) {
		for _, number := range []string{erased, kept, other} {
			all = append(all, b.stored(t, b.Kit.Contacts.Table, "party", "t#"+number)...)
		}
		return all
	}
	if !p.run(t, b.Kit, "contact", "t", at, id, "", erased+","+kept, "text") {
		t.Fatal("a new contact is refused")
	}
	plan(func() {
		stood := len(copies()) > 0
		if p.run(t, b.Kit, "contact", "t", at, id, erased+","+kept, kept+","+other, "text") && !stood {
			left = "an erased contact has come back"
		}
	})
	b.erase(t, func(_ erasure.Timing, clock erasure.Clock) error {
		intake := erasure.NewNumbersIntake(b.Erasures, digests, b.clock.Now)
		_, err := intake.Numbers(t.Context(), erasure.NumbersRequest{Tenant: "t", Numbers: []string{erased}, By: "app"})
		return err
	})
	standing := copies()
	for _, item := range standing {
		parties, whole := store.Parties(item["parties"])
		switch {
		case !whole:
			left = "a copy is left of which nobody knows the parties"
		case slices.Contains(parties, erased):
			left = "a copy is left of the erased number's contact"
		case len(parties) != len(standing):
			left = "a copy is left where nobody looks"
		}
	}
	return left
}

// each runs an erasure with the program at each of its calls, until something is left; ""
// is nothing. A program that starts slowly is run at one call alone: the transaction with
// this number, which ends the erasure. transactions is that number for the next.
func (b *bench) each(t *testing.T, p program, end int, run erasing) (left string, moments, transactions int) {
	t.Helper()
	if !p.often {
		return run(b, t, p, func(do func()) { b.Faults.InterruptOn("TransactWriteItems", end, do) }), 1, end
	}
	for k := 1; ; k++ {
		left := run(b, t, p, func(do func()) { b.Faults.Interrupt(k, do) })
		struck, calls := b.Faults.Struck(), b.Faults.Calls()
		if left == "" && struck {
			continue
		}
		for _, call := range calls {
			if call == "TransactWriteItems" {
				transactions++
			}
		}
		return left, k - 1, transactions
	}
}

// erasing is customer or contact.
type erasing = func(b *bench, t *testing.T, p program, plan func(do func())) (left string)

// TestTheRulesHold: whenever a program of the page writes beside an erasure, it writes
// before it or is refused, and nothing is left. Without the lines of a rule there is a
// moment at which something is left, so that the rule is needed, and this test sees it.
func TestTheRulesHold(t *testing.T) {
	t.Parallel()
	whole := programs(t, "")
	for name, rule := range map[string]struct {
		run   erasing
		lines []string // of the program's that keep it, each of which is left out
	}{
		"customers": {(*bench).customer, []string{` rule 1`}},
		"contacts":  {(*bench).contact, []string{`"parties".* rule 2`, `unchanged.* rule 2`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, ends := open(t), 0
			for _, language := range slices.Sorted(maps.Keys(whole)) { // Go first, which finds the end
				p := whole[language]
				left, moments, transactions := b.each(t, p, ends, rule.run)
				if ends = transactions; left != "" || b.wrong > 0 || p.often && moments < 8 {
					t.Errorf("%s: %q after %d moments, %d writers not refused", language, left, moments, b.wrong)
				}
				b.wrong = 0
			}
			for _, line := range rule.lines {
				for language, p := range programs(t, line) {
					left, _, _ := b.each(t, p, ends, rule.run)
					if left == "" {
						t.Errorf("%s without %q: nothing is left", language, line)
					}
					t.Logf("%s without %q: %s", language, line, left)
				}
			}
		})
	}
}

// TestWritersStoreWhatLoadStores: the programs write the same items as the import, so
// that erasures find them, and leave a customer's activity, so that rules of retention
// do.
func TestWritersStoreWhatLoadStores(t *testing.T) {
	t.Parallel()
	loaded := dynamotest.Open(t)
	tables := importer.Tables{Users: loaded.Users.Table, Customers: loaded.Customers.Table, Contacts: loaded.Contacts.Table,
		Principals: loaded.Principals.Table}
	_, err := importer.Load(t.Context(), importer.Options{Client: loaded.Plain, Tables: tables}, strings.NewReader(
		`{"kind":"customer","accountId":"a#%","code":"1","name":"n","activeAt":"2026-01-02T03:04:05Z"}
{"kind":"transaction","accountId":"a#%","code":"1","campaignId":"c#","transactionId":"t","at":"2026-01-02T03:04:05Z"}
{"kind":"contact","tenantId":"t","contactId":"i#","at":"2026-01-02T04:04:05.123456789+01:00","customNos":["1","2"]}`))
	if err != nil {
		t.Fatal(err)
	}
	keys := func(kit *dynamotest.Kit) (all []string) {
		for _, table := range []string{kit.Customers.Table, kit.Contacts.Table} {
			for _, item := range dynamotest.Items(t, kit.Plain, table) {
				delete(item, "data")
				all = append(all, string(attribute.AppendJSON(nil, item)))
			}
		}
		slices.Sort(all)
		return all
	}
	const at = "2026-01-02T04:04:05.123456789+01:00" // more digits than Python has
	for language, p := range programs(t, "") {
		kit := dynamotest.Open(t)
		kit.Put(t, kit.Customers.Table, attribute.Item{"customer": attribute.Text("a%23%25#1"), "record": attribute.Text("customer"),
			"activeAt": attribute.Number(1767323045000)})
		for _, args := range [][]string{
			{"customer", "a#%", "1", "n"}, {"transaction", "a#%", "1", "c#", "t", "1.50"},
			{"contact", "t", at, "i#", "", "2,3", "text"},
			{"contact", "t", at, "i#", "2,3", "1,2", "text"},
		} {
			if !p.run(t, kit, args...) {
				t.Errorf("%s: %q is refused", language, args)
			}
		}
		if got, want := keys(kit), keys(loaded); !slices.Equal(got, want) {
			t.Errorf("%s stores\n%s\nthe import\n%s", language, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if p.run(t, kit, "contact", "t", at, "i#", "2,3", "1", "text") {
			t.Errorf("%s moves a contact that does not stand as it was said", language)
		}
	}
}
