package bed

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"customercare/infra/importer"
	"customercare/infra/testkit/dynamotest"
)

// What is put in batches must be what the importer stores, attribute by attribute: else something else is erased than in life.
func TestFillIsTheImporters(t *testing.T) {
	batches, imported := dynamotest.Open(t), dynamotest.Open(t)
	if err := FillCustomers(t.Context(), batches.Plain, batches.Customers.Table, []string{"a", "b"}, 12); err != nil {
		t.Fatal(err)
	}
	if err := FillContacts(t.Context(), batches.Plain, batches.Contacts.Table, []string{"135****1", "zoë"}, 9); err != nil {
		t.Fatal(err)
	}
	var lines strings.Builder
	for _, code := range []string{"a", "b"} {
		lines.WriteString(`{"kind":"customer","accountId":"` + Account + `","code":"` + code + `","name":"Made Up","cardNumber":"1234567890123456"}` + "\n")
		for n := range 12 {
			lines.WriteString(`{"kind":"transaction","accountId":"` + Account + `","code":"` + code + `","campaignId":"c` + strconv.Itoa(n%10) +
				`","transactionId":"t` + strconv.Itoa(n) + `","at":"2026-01-02T03:04:05Z","amount":"12.50"}` + "\n")
		}
	}
	for i, number := range []string{"135****1", "zoë"} {
		for c := range 9 {
			lines.WriteString(`{"kind":"contact","tenantId":"` + Tenant + `","contactId":"` + number + "-" + strconv.Itoa(c) + `","at":"2026-01-02T03:04:05Z",` +
				`"callingNumber":"` + number + `","calledNumber":"agent` + strconv.Itoa((i*9+c)%7) + `","content":"made up"}` + "\n")
		}
	}
	_, err := importer.Load(t.Context(), importer.Options{
		Client: imported.Plain, Tables: importer.Tables{Customers: imported.Customers.Table, Contacts: imported.Contacts.Table},
		Report: func(line int, sentence string) { t.Errorf("line %d: %s", line, sentence) },
	}, strings.NewReader(lines.String()))
	if err != nil {
		t.Fatal(err)
	}
	for what, tables := range map[string][2]string{
		"customers": {batches.Customers.Table, imported.Customers.Table}, "contacts": {batches.Contacts.Table, imported.Contacts.Table},
	} {
		got, want := batches.Dump(t, tables[0]), imported.Dump(t, tables[1])
		for i := range got {
			got[i] = strings.TrimPrefix(got[i], tables[0])
		}
		for i := range want {
			want[i] = strings.TrimPrefix(want[i], tables[1])
		}
		if len(got) != len(want) || len(want) < 26 {
			t.Fatalf("%s: %d in batches, %d imported", what, len(got), len(want))
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("%s: got %s\nwant %s", what, got[i], want[i])
			}
		}
	}
}

// Memory counts the children that run where a function's binary lies, and no others.
func TestPeaks(t *testing.T) {
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skip("needs Linux")
	}
	bin := t.TempDir()
	for _, folder := range []string{"ours", "other/place"} {
		if err := os.MkdirAll(filepath.Join(bin, folder), 0o755); err != nil {
			t.Fatal(err)
		}
		sleep := exec.Command("sleep", "60")
		sleep.Dir = filepath.Join(bin, folder)
		if err := sleep.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = sleep.Process.Kill(); _ = sleep.Wait() })
	}
	if got := peaks(bin); len(got) != 1 || got["ours"] < 0.1 || got["ours"] > 64 {
		t.Errorf("%v MB", got)
	}
}
