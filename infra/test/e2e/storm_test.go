package e2e

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"customercare/infra/testkit/dynamotest"
	"customercare/shared/digest"
)

// Eight clients delete 200 customers, every one by two clients at the same moment: both
// are told "deleted", there is one record with right counts, and the customers in between
// stay byte for byte.
func TestStormOfDeletions(t *testing.T) {
	t.Parallel()
	const account, deletions, pairs = "storm", 200, 4
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	openAccount(t, account, 0)
	var records []string
	items := map[string]int{} // of each code to delete
	for i := range deletions {
		n := 3 + int(58*math.Pow(random.Float64(), 3)) // few large ones
		code := fmt.Sprintf("storm-%03d", i)
		items[code] = n + 1
		records = append(records, customerRecords(account, n, code)...)
		if i%10 == 0 {
			records = append(records, customerRecords(account, 5, code+"0")...) // stays, right behind it in the table
		}
	}
	load(t, records...)
	customers := func(keep bool) []string {
		return slices.DeleteFunc(dynamotest.Dump(t, database, running.Table("Customers")), func(line string) bool {
			_, code, found := strings.Cut(line, `"customer":{"Value":"storm#`)
			code, _, _ = strings.Cut(code, `"`)
			return !found || (items[code] == 0) != keep
		})
	}
	before := customers(true)

	var clients sync.WaitGroup
	codes := make(chan string)
	for range pairs {
		clients.Go(func() {
			for code := range codes {
				var pair sync.WaitGroup
				for _, path := range []string{"/", "/api.php"} {
					pair.Go(func() {
						if r := send(t, "POST", path, formOf(account, code), urlencoded); r.Status != 200 ||
							r.Body != goneXML(code) {
							t.Errorf("%s: %d %s", code, r.Status, r.Body)
						}
					})
				}
				pair.Wait()
			}
		})
	}
	for code := range items {
		codes <- code
	}
	close(codes)
	clients.Wait()
	if after := customers(true); !slices.Equal(before, after) {
		t.Errorf("other customers changed: %s", difference(before, after))
	}
	if left := dump(t, "mark of storm"); len(left) != len(before) {
		t.Errorf("%d items with texts of customers, want the %d that stay", len(left), len(before))
	}
	passWriterLifetime(t, account)
	records = recordsOf(t, account)
	if left := customers(false); len(left) != 0 {
		t.Errorf("left: %s", left)
	}
	if after := customers(true); !slices.Equal(before, after) {
		t.Errorf("other customers changed: %s", difference(before, after))
	}
	if len(records) != deletions {
		t.Errorf("%d records for %d deletions", len(records), deletions)
	}
	digests := digest.Digester{Current: "1", Keys: map[string][]byte{"1": []byte(digestKey)}}
	for code, n := range items {
		digest := digests.Subject("customer", account, code)
		own := slices.DeleteFunc(slices.Clone(records), func(line string) bool {
			return !strings.Contains(line, digest)
		})
		if len(own) != 1 || !strings.Contains(own[0], fmt.Sprintf(`"deleted":{"Value":"%d"}`, n)) ||
			!strings.Contains(own[0], fmt.Sprintf(`"found":{"Value":"%d"}`, n)) {
			t.Errorf("%s with %d items: %s", code, n, own)
		}
	}
}
