package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"customercare/infra/fixture"
	"customercare/infra/testkit/dynamotest"
	"customercare/shared/digest"
	"customercare/shared/erasure"
)

// A table in use that is of an earlier time is replayed: dry first, then killed again and
// again, until a run comes to its end and the statement. Who was erased since is gone,
// who came back by word of the file stays, and so does everybody else.
func TestAReplay(t *testing.T) {
	kit := dynamotest.Open(t)
	keysSecret(t, kit, bothKeys, "2")
	var lines []string
	for _, code := range []string{"gone", "back", "living"} {
		lines = append(lines, fixture.Customer("shop", code).String(), fmt.Sprintf(
			`{"kind":"transaction","accountId":"shop","code":%q,"campaignId":"c","transactionId":"t","at":"2026-01-02T03:04:05Z"}`, code))
	}
	for i := range 30 {
		lines = append(lines, fixture.Customer("shop", fmt.Sprint("many", i)).String())
	}
	contacts := fixture.Contact("acme", "c", "111", "222").String() + "\n" + fixture.Contact("acme", "d", "222", "333").String()
	load(t, kit, strings.Join(lines, "\n")+"\n"+contacts)
	since := time.Now().Add(-time.Second).UTC().Format(time.RFC3339Nano)
	digests := digest.Digester{Current: "2", Keys: map[string][]byte{"2": []byte(secondKey)}}
	intake := erasure.NewCustomerIntake(kit.Erasures, kit.Customers, kit.Holds, digests, erasure.Timing{}, erasure.SystemClock())
	worker := erasure.NewWorker(kit.Erasures, kit.Customers, kit.Contacts, kit.Holds, nil, erasure.Timing{}, time.Minute, erasure.SystemClock())
	work := func() {
		if _, err := worker.Due(context.WithoutCancel(t.Context()), dynamotest.OpenIndex); err != nil {
			t.Error(err)
		}
	}
	codes := []string{"gone", "back"}
	for i := range 30 {
		codes = append(codes, fmt.Sprint("many", i))
	}
	for _, code := range codes {
		if _, err := intake.Customer(t.Context(), erasure.CustomerRequest{Account: "shop", Code: code, By: "john"}, time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	numbers := erasure.NewNumbersIntake(kit.Erasures, digests, func() time.Time { return time.Now().Add(-time.Minute) })
	if _, err := numbers.Numbers(t.Context(), erasure.NumbersRequest{Tenant: "acme", Numbers: []string{"111"}, By: "app"}); err != nil {
		t.Fatal(err)
	}
	work()
	load(t, kit, strings.Join(lines, "\n")+"\n"+contacts) // the restore, put into use
	back := filepath.Join(t.TempDir(), "back.csv")
	if err := os.WriteFile(back, []byte("account,code\nshop,back\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	replay := func(table string, more ...string) result {
		return call(t, "", append([]string{"replay", "--table", table, "--since", since, "--by", "ops", "--returning", back}, more...)...)
	}
	before := kit.Dump(t, kit.All()...)
	dry := replay(kit.Customers.Table)
	dry.is(t, 3, "nothing is erased: say --yes")
	if strings.Join(before, "\n") != strings.Join(kit.Dump(t, kit.All()...), "\n") || !strings.Contains(dry.out, "31") {
		t.Errorf("a dry run: %v", dry)
	}
	for n := range 20 { // kill -9, each time later
		killed := exec.Command(binary, "replay", "--table", kit.Customers.Table, "--since", since, "--by", "ops", "--returning", back, "--yes")
		if err := killed.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(n*5) * time.Millisecond)
		_ = killed.Process.Kill()
		_ = killed.Wait()
	}
	done := make(chan struct{})
	working, stop := context.WithCancel(t.Context())
	go func() { // the workers
		defer close(done)
		for working.Err() == nil {
			// What a replay opens is due after pickUp or late writers, by its clock.
			open, _ := kit.Erasures.ListOpen(context.WithoutCancel(t.Context()), dynamotest.OpenIndex, 100)
			for _, job := range open {
				_ = worker.Continue(context.WithoutCancel(t.Context()), job.Key)
			}
		}
	}()
	for table, want := range map[string]string{kit.Customers.Table: "returned 2", kit.Contacts.Table: "returned 0"} {
		r := replay(table, "--yes")
		r.is(t, 0, "")
		if !strings.Contains(strings.Join(strings.Fields(r.out), " "), want) || !strings.Contains(r.out, "left") {
			t.Error(r)
		}
		if strings.Contains(r.String(), "living") || strings.Contains(r.errs, "many") {
			t.Errorf("it names somebody: %v", r)
		}
	}
	stop()
	<-done
	left := strings.Join(kit.Dump(t, kit.Customers.Table, kit.Contacts.Table), "\n")
	for _, gone := range []string{"shop#gone", "many", "acme#111"} {
		if strings.Contains(left, gone) {
			t.Errorf("%s is left in %s", gone, left)
		}
	}
	if strings.Count(left, "shop#living") != 2 || strings.Count(left, "shop#back") != 2 || strings.Count(left, "acme#") != 2 {
		t.Errorf("somebody is lost: %s", left)
	}
	replay("another").is(t, 2, "--table must be the table of customers or of contacts in use")
	replay(kit.Customers.Table, "--by", "").is(t, 2, "--by")
	call(t, "", "replay", "--table", "t", "--since", "2999-01-02T03:04:05Z", "--by", "ops").is(t, 2, "--since is in the future")
}
