package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"customercare/infra/bulk"
	"customercare/infra/client"
	"customercare/infra/fixture"
	"customercare/infra/local/stack"
	"customercare/infra/testkit/dynamotest"
)

// A file of customers and numbers, erased through the real API as `customercare erase`
// does it: at its end the tables have none of them, and every row has its outcome.
func TestEraseAFileOnTheStack(t *testing.T) {
	s := startUnscheduled(t, "file", func(o *stack.Options) {
		o.Parameters = map[string]string{"WriterLifetime": "1ms", "ClockSkew": "1ms", "AllowSweepMinutes": "1"}
		o.ScheduleEvery = time.Second // cleanup ends what the calls have left
	})
	const account, tenant, appSecret = "account-file", "tenant-file", "secret-of-app-file-0123456789abcdef"
	records := []string{
		fixture.APIUser(userOf(account), keyOf(account), account).String(),
		fixture.App("app-file", appSecret, tenant).String(),
	}
	text := "account,code,tenant,number\n"
	for i := range 20 {
		records = append(records, customerRecords(account, 3, fmt.Sprintf("c%d-file", i))...)
		records = append(records, fixture.Contact(tenant, fmt.Sprintf("k%d", i), fmt.Sprintf("n%d-file", i), "other-file").String())
		text += fmt.Sprintf("%s,c%d-file,,\n,,%s,n%d-file\n", account, i, tenant, i)
	}
	records = append(records, customerRecords("account-other", 1, "stays-file")...)
	loadInto(t, s, records...)
	text += account + ",never-file,,\n,," + tenant + ",never-file\naccount-other,stays-file,,\n,,tenant-other,n1-file\n"
	name := filepath.Join(t.TempDir(), "rows.csv")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	plan, err := bulk.Look(t.Context(), file, func(int) {}, func(line int, sentence string) { t.Errorf("line %d: %s", line, sentence) })
	if err != nil {
		t.Fatal(err)
	}
	counts, err := bulk.Erase(t.Context(), plan, bulk.Options{
		API:  client.Client{Base: s.URL},
		User: userOf(account), Key: keyOf(account), App: "app-file", Secret: appSecret,
		Result: name + ".result", Rate: 1000, Wait: true, Reason: "bulk of the tests", Ticket: "CASE-18",
		Progress: func() {}, Notes: func(sentence string) { t.Error(sentence) },
	})
	if want := (bulk.Counts{Erased: 40, NotFound: 2, Refused: 2}); err != nil || counts != want {
		result, _ := os.ReadFile(name + ".result")
		t.Fatalf("%v, %+v, want %+v\n%s", err, counts, want, result)
	}
	for _, line := range dynamotest.Dump(t, database, s.Table("Customers"), s.Table("Contacts")) {
		if !strings.Contains(line, "stays-file") {
			t.Errorf("left: %s", line)
		}
	}
}
