package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"customercare/infra/testkit/dynamotest"
	"customercare/shared/digest"
	"customercare/shared/erasure"
)

// TestPreviews: the command says what an erasure then finds, changes nothing, and prints
// no identifier that it was not given as an argument.
func TestPreviews(t *testing.T) {
	kit := dynamotest.Open(t)
	keysSecret(t, kit, bothKeys, "2")
	load(t, kit, erasable())
	before := kit.All()
	r := call(t, "", "preview", "customer", "shop", "keeps#1")
	r.is(t, 0, "")
	for _, row := range []string{"customers     1", "transactions  3", "others        0", "contacts      0", "campaign c#1  1"} {
		if !strings.Contains(r.out, row) {
			t.Errorf("no %q in\n%s", row, r.out)
		}
	}
	if again := call(t, "keeps#1\n", "preview", "customer", "shop", "-"); again.out != r.out {
		t.Errorf("from standard input: %v", again)
	}
	var seen erasure.Previewed
	numbers := call(t, "111\r\n222\n\n111\n", "preview", "numbers", "acme", "-", "--json")
	if err := json.Unmarshal([]byte(numbers.out), &seen); err != nil || seen.Found.Contacts != 3 || numbers.code != 0 {
		t.Errorf("%v: %v", err, numbers)
	}
	if strings.Contains(numbers.String(), "222") {
		t.Error(numbers)
	}
	if call(t, "", "preview", "numbers", "acme", file(t, "999\n"), "--json"); !slices.Equal(before, kit.All()) {
		t.Error("a preview has written")
	}
	digests := digest.Digester{Current: "1", Keys: map[string][]byte{"1": []byte(firstKey)}} // before the rotation
	id, err := erasure.NewNumbersIntake(kit.Erasures, digests, time.Now).Numbers(
		t.Context(), erasure.NumbersRequest{Tenant: "acme", Numbers: []string{"111", "222"}, By: "app"})
	if err != nil {
		t.Fatal(err)
	}
	if r := call(t, "222\n111\n", "preview", "numbers", "acme", "-"); !strings.Contains(r.out, id) {
		t.Errorf("the open erasure %s is not in %v", id, r)
	}
	many := make([]string, 1001)
	for n := range many {
		many[n] = fmt.Sprint(n)
	}
	call(t, strings.Join(many, "\n"), "preview", "numbers", "acme", "-").is(t, 1, "- has more than 1000 lines")
	call(t, "\n", "preview", "numbers", "acme", "-").is(t, 1, "- is empty")
	call(t, strings.Repeat("x", 129), "preview", "numbers", "acme", "-").is(t, 1, "must have 1 to 128 bytes")
	call(t, "", "preview", "numbers", "acme", "no such file").is(t, 1, "no such file")
	call(t, "", "preview", "customer", "shop").is(t, 2, "CODE is missing")
}
