package chaos

import (
	"fmt"
	"strings"
	"testing"

	"customercare/infra/client"
	"customercare/infra/fixture"
)

// TestMemoryOfEveryFunction asks every operation for as much as its contract allows, and
// prints the most memory of each function. The workers at their worst are
// TestMemoryOfWorkers'.
func TestMemoryOfEveryFunction(t *testing.T) {
	v := startInMemory(t)
	devices := fixture.Fields{}
	for i := range 2000 { // 380 KB
		devices[fmt.Sprint("d", i)] = fixture.Fields{"name": strings.Repeat("x", 170)}
	}
	records := []fixture.Record{fixture.User("large").With("devices", devices), fixture.Customer(by.Account, "large")}
	for i := range 4000 {
		records = append(records, fixture.Transaction(by.Account, "large", i).With("campaignId", "c").
			With("transactionId", strings.Repeat("k", 120)+fmt.Sprint(i)))
	}
	load(t, v, records...)
	provision := func(r client.Request) {
		t.Helper()
		if err := v.expect(r.As(operator, password), client.Done(client.JSON)); err != nil {
			t.Error(err)
		}
	}
	allow := client.SetTemporaryAllow("large", client.Allow{Type: "1"}, client.JSON)
	allow.Body = `{"tempAllowType":1,"ignored":"` + strings.Repeat("x", 5000) + `"}`
	for range 5 {
		provision(allow)
		for _, r := range []client.Request{client.ReadProvision("large"), client.UseTemporaryAllow("large")} {
			answer, err := client.Client{Base: v.url}.Send(t.Context(), r.As(operator, password))
			if err != nil || answer.Status != 200 {
				t.Error(answer, err)
			}
		}
		provision(client.DeleteCustomerInfo("large", "cancelAllTemporaryAllows=true"))
	}
	provision(client.DeleteCustomerInfo("large", "unregisterDevices=true"))
	provision(client.DeleteCustomerInfo("large", "reset=true"))
	for range 2 {
		if err := v.expect(client.DeleteCustomer(by, "large"), client.Deleted(client.XML, "large")); err != nil {
			t.Error(err)
		}
	}
	longest := strings.Repeat("n", 120)
	for i := range 5 {
		if !v.send(cleans(fmt.Sprint(longest, i), 1000), v.token()) {
			t.Error("not accepted")
		}
	}
	waitUntilClosed(t, v)
	all := peaks(t, v.cmd.Process.Pid)
	report(all, t.Name())
	if len(all) != 13 { // all but those about erasures and holds, which nobody asked
		t.Errorf("%d functions have run: %v", len(all), all)
	}
}
