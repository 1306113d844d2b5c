package chaos

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// TestMemoryOfEveryFunction asks every operation for as much as its contract allows, and
// prints the most memory of each function. The workers at their worst are
// TestMemoryOfWorkers'.
func TestMemoryOfEveryFunction(t *testing.T) {
	v := startInMemory(t)
	load(t, v, `{"kind":"operator","name":"csr","password":"operator-0123456789"}`)
	devices := map[string]any{}
	for i := range 2000 { // 380 KB
		devices[fmt.Sprint("d", i)] = map[string]string{"name": strings.Repeat("x", 170)}
	}
	user, err := json.Marshal(map[string]any{"kind": "user", "customerId": "large", "devices": devices})
	if err != nil {
		t.Fatal(err)
	}
	records := []string{string(user), `{"kind":"customer","accountId":"shop","code":"large","name":"x"}`}
	for i := range 4000 {
		records = append(records, fmt.Sprintf(`{"kind":"transaction","accountId":"shop","code":"large","campaignId":"c","transactionId":"%s%d","at":"2026-01-02T03:04:05Z","amount":"1.50"}`, strings.Repeat("k", 120), i))
	}
	load(t, v, records...)
	provision := func(method, query, body string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, v.url+"/customercare/v1/large/provision"+query, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.SetBasicAuth("csr", "operator-0123456789")
		r.Header.Set("Content-Type", "application/json")
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			t.Errorf("%s %s: %d", method, query, answer.StatusCode)
		}
	}
	for range 5 {
		provision(http.MethodPut, "", `{"tempAllowType":1,"ignored":"`+strings.Repeat("x", 5000)+`"}`)
		provision(http.MethodDelete, "?cancelAllTemporaryAllows=true", "")
	}
	provision(http.MethodDelete, "?unregisterDevices=true", "")
	provision(http.MethodDelete, "?reset=true", "")
	for range 2 {
		body, err := v.post("/api.php", "user_id=john&user_password=key-0123456789abcdef&type=customer_delete&account_id=shop&code=large", "application/x-www-form-urlencoded", "")
		if err != nil || !strings.Contains(body, `status="deleted"`) {
			t.Errorf("%s, %v", body, err)
		}
	}
	longest := strings.Repeat("n", 120)
	for i := range 5 {
		if !v.send(clean(fmt.Sprint(longest, i), 1000), v.token()) {
			t.Error("not accepted")
		}
	}
	settle(t, v)
	all := peaks(t, v.cmd.Process.Pid)
	report(all, t.Name())
	if len(all) != 9 {
		t.Errorf("%d functions have run: %v", len(all), all)
	}
}
