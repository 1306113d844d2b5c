package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/repr"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/testkit/dynamotest"
	"customercare/shared/store"
)

const (
	notLetIn = `{"retCode":"401","retMsg":"Authorization is missing, wrong or expired"}`
)

// clean asks for the erasure of numbers.
func clean(t testing.TB, bearer string, numbers ...string) reply {
	t.Helper()
	body, err := json.Marshal(map[string][]string{"customNos": numbers})
	if err != nil {
		t.Fatal(err)
	}
	return send(t, "POST", cleanPath, string(body), bearer, bodyJSON)
}

// verified checks that an answer is operation 4's success.
func (r reply) verified(t testing.TB) {
	t.Helper()
	r.is(t, 200, cleaned)
	r.contentType(t, "json")
}

// filed are the stored copies of a tenant's contacts.
func filed(t testing.TB, tenant string) []string {
	t.Helper()
	return slices.DeleteFunc(dynamotest.Dump(t, database, running.Table("Contacts")), func(line string) bool {
		return !strings.Contains(line, `"party":{"Value":"`+tenant+`#`)
	})
}

// finished lets the erasures of the tenant end, checks that there were n, and returns
// their records.
func finished(t testing.TB, tenant string, n int) []string {
	t.Helper()
	passWriterLifetime(t, tenant)
	records := slices.DeleteFunc(dump(t, `"scope":{"Value":"`+tenant+`"}`), func(line string) bool {
		return !strings.Contains(line, `"statement":{"Value":"`)
	})
	if len(records) != n {
		t.Errorf("%d records of %s, want %d: %s", len(records), tenant, n, records)
	}
	return records
}

// subjects counts the digests of a record, in itself or in the item that it names.
func subjects(t testing.TB, record string) int {
	t.Helper()
	_, id, _ := strings.Cut(record, `"erasureId":{"Value":"`)
	read := func(id string) map[string]types.AttributeValue {
		id, _, _ = strings.Cut(id, `"`)
		out, err := database.GetItem(t.Context(), &dynamodb.GetItemInput{
			TableName: aws.String(running.Table("Erasures")),
			Key:       map[string]types.AttributeValue{"erasureId": &types.AttributeValueMemberS{Value: id}},
		})
		if err != nil {
			t.Fatal(err)
		}
		return out.Item
	}
	item := read(id)
	if in, ok := item["subjectsIn"].(*types.AttributeValueMemberS); ok {
		item = read(in.Value)
	}
	digests, whole := store.Subjects(item)
	if !whole {
		t.Errorf("not all of %s are digests", repr.String(item))
	}
	return len(digests)
}

// number is a numeric attribute as it stands in a dumped line.
func number(name string, n int) string { return fmt.Sprintf(`"%s":{"Value":"%d"}`, name, n) }

// Both sides of a contact go, copies under the other party included; all else stays byte
// for byte, in every table.
func TestCleanErasesEveryContactOfANumber(t *testing.T) {
	bearer := app(t, "app-clean", "tenant-clean")
	app(t, "app-clean2", "tenant-clean2")
	operator(t, "csr-clean")
	loadUsers(t, "gone-135****1111")
	loadContacts(t, "tenant-clean",
		contact{"gone-1", "gone-135****1111", "peer", "gone text"},
		contact{"gone-2", "peer", "gone-135****1111", "gone text"},
		contact{"gone-3", "gone-135****1111", "gone-135****1111", "gone text"},
		contact{"gone-4", "gone-wen11", "gone-135****1111", "gone text"},
		contact{"gone-5", "peer2", "gone-kehu@*****.com", "gone text"},
		contact{"kept-1", "peer", "peer2", "kept"},
		contact{"kept-2", "13500001111", "peer", "* is no wildcard"},
		contact{"kept-3", "135****111", "WEN11", "neither a prefix nor another case"},
	)
	load(t, `{"kind":"contact","tenantId":"tenant-clean","contactId":"gone-6","at":"2026-01-02T03:04:05Z","customNos":["peer","gone-wen11","peer3"],"content":"gone text"}`)
	loadContacts(t, "tenant-clean2", contact{"c1", "gone-135****1111", "peer", "another tenant's"},
		contact{"c2", "peer", "gone-wen11", "another tenant's"})
	unrelated := func() []string {
		return slices.DeleteFunc(dump(t, ""), func(line string) bool {
			return strings.Contains(line, "gone text") || strings.HasPrefix(line, running.Table("Erasures"))
		})
	}
	passAllWriterLifetimes(t)
	if n := len(filed(t, "tenant-clean")); n != 5*2-1+3+3*2 {
		t.Fatalf("%d copies are filed", n)
	}
	before := unrelated()
	clean(t, bearer, "gone-135****1111", "gone-wen11", "gone-kehu@*****.com", "nobody-knows", "gone-wen11").verified(t)
	record := finished(t, "tenant-clean", 1)
	for _, want := range []string{
		number("found", 6), number("deleted", 6), `"state":{"Value":"done"}`, `"kind":{"Value":"numbers"}`,
		`"requestedBy":{"Value":"app-clean"}`, number("requests", 1),
	} {
		if !strings.Contains(record[0], want) {
			t.Errorf("the record lacks %s: %s", want, record[0])
		}
	}
	if n := subjects(t, record[0]); n != 4 {
		t.Errorf("%d subjects, want 4: %s", n, record[0])
	}
	if rest := difference(before, unrelated()); len(rest) != 0 {
		t.Errorf("others changed:\n%s", strings.Join(rest, "\n"))
	}
	for _, mark := range []string{"gone", "nobody-knows"} {
		left := slices.DeleteFunc(dump(t, mark), func(line string) bool { // of what has nothing to do with it
			return strings.Contains(line, `"party":{"Value":"tenant-clean2#`) ||
				strings.Contains(line, `"customerId":{"Value":"gone-135****1111"}`)
		})
		if len(left) != 0 {
			t.Errorf("left of %s:\n%s", mark, strings.Join(left, "\n"))
		}
	}
	// A number that comes back later is erased by a call of its own.
	loadContacts(t, "tenant-clean", contact{"gone-7", "gone-wen11", "peer", "gone text"})
	clean(t, bearer, "gone-wen11").verified(t)
	eventually(t, "a number that came back is erased again", func() bool { return len(dump(t, "gone text")) == 0 })
}

// An app erases in its own tenant only, whatever it claims.
func TestCleanKeepsTenantsApart(t *testing.T) {
	mine, yours := app(t, "app-mine", "tenant"), app(t, "app-yours", "tenant#a")
	loadContacts(t, "tenant", contact{"c", "a#shared", "other", "mine"})
	loadContacts(t, "tenant#a", contact{"c", "shared", "other", "yours"},
		contact{"d", "yours-alone", "other", "asked for"})
	loadContacts(t, "tenant%23a", contact{"c", "shared", "other", "theirs"},
		contact{"d", "yours-alone", "other", "theirs"})
	before := dynamotest.Dump(t, database, running.Table("Contacts"))
	forged := `{"authorizer":{"appKey":"app-yours","tenantId":"tenant#a","principalId":"app-yours"}}`
	for _, numbers := range []string{`["shared"]`, `["a#shared ","A#shared"]`} {
		send(t, "POST", cleanPath, `{"customNos":`+numbers+`}`, mine,
			"X-GoLambdaProxy-ApiGw-Context: "+forged, "x-golambdaproxy-apigw-context: "+forged, "X-Tenant-Id: tenant#a").verified(t)
	}
	clean(t, yours, "yours-alone").verified(t)
	finished(t, "tenant", 2)
	if record := finished(t, "tenant#a", 1)[0]; !strings.Contains(record, number("deleted", 1)) {
		t.Errorf("not one contact was erased: %s", record)
	}
	changes := difference(before, dynamotest.Dump(t, database, running.Table("Contacts")))
	if len(changes) != 2 {
		t.Errorf("changed:\n%s", strings.Join(changes, "\n"))
	}
	for _, line := range changes {
		if !strings.HasPrefix(line, "-") || !strings.Contains(line, `"asked for"`) {
			t.Errorf("changed: %s", line)
		}
	}
}

func TestCleanBounds(t *testing.T) {
	bearer := app(t, "app-bounds", "tenant-bounds")
	loadContacts(t, "tenant-bounds", contact{"c", "n-0", "peer", "bounds text"},
		contact{"d", "n-0-", "peer", "never asked for"})
	numbers := func(n int, pad string) []string {
		var all []string
		for i := range n {
			all = append(all, fmt.Sprintf("n-%d", i)+pad)
		}
		return all
	}
	t.Run("refused", func(t *testing.T) {
		unchanged(t)
		for _, value := range []string{
			`[]`, `null`, `"n-0"`, `{"0":"n-0"}`, `1`, `true`, `["n-0",1]`, `["n-0",null]`, `["n-0",true]`,
			`["n-0",["n-0"]]`, `["n-0",{}]`, `["n-0",""]`,
			`["n-0","` + strings.Repeat("x", 129) + `"]`, `["n-0","` + strings.Repeat("é", 64) + `x"]`,
			`["n-0","a\u0000"]`, `[["n-0"]]`,
		} {
			send(t, "POST", cleanPath, `{"customNos":`+value+`}`, bearer).failed(t, 400, "customNos")
		}
		send(t, "POST", cleanPath, `{}`, bearer).failed(t, 400, "customNos")
		send(t, "POST", cleanPath, `{"numbers":["n-0"]}`, bearer).failed(t, 400, "customNos")
		clean(t, bearer, numbers(1001, "")...).failed(t, 400, "customNos")
		send(t, "POST", cleanPath, cleanBody(896_001), bearer).failed(t, 413, "896000 bytes")
		send(t, "POST", cleanPath, cleanBody(1<<20), bearer).failed(t, 413, "896000 bytes")
		r := send(t, "POST", cleanPath, cleanBody(10<<20+1), bearer)
		if r.Status != 413 || !strings.Contains(r.Body, `"retCode":"413","retMsg":"The request body is too large"`) {
			t.Errorf("10 MB and more: %d %s", r.Status, r.Body)
		}
	})
	clean(t, bearer, "x").verified(t)
	clean(t, bearer, "*", strings.Repeat("x", 128), strings.Repeat("é", 64), strings.Repeat("#", 128), " ", "\n",
		"ünï 😀").verified(t)
	clean(t, bearer, append(numbers(1000, "-twice"), numbers(1000, "-twice")...)...).verified(t)
	clean(t, bearer, numbers(1000, "-"+strings.Repeat("%", 120))...).verified(t)
	send(t, "POST", cleanPath, cleanBody(896_000), bearer).verified(t)
	all := numbers(1000, "")
	slices.Reverse(all)
	clean(t, bearer, append(all, "n-999")...).verified(t) // 1001, but 1000 different ones
	sizes := map[int]int{}                                // of the records, in subjects
	for _, record := range finished(t, "tenant-bounds", 6) {
		hit := strings.Contains(record, number("found", 1)) && strings.Contains(record, number("deleted", 1))
		if !hit && (!strings.Contains(record, number("found", 0)) || !strings.Contains(record, number("deleted", 0))) {
			t.Errorf("counts do not agree: %s", record[:300])
		}
		sizes[subjects(t, record)]++
	}
	if want := map[int]int{1: 2, 7: 1, 1000: 3}; !maps.Equal(sizes, want) {
		t.Errorf("subjects of the records: %v, want %v", sizes, want)
	}
	if left := filed(t, "tenant-bounds"); len(left) != 2 || !strings.Contains(left[0], "never") ||
		!strings.Contains(left[1], "never") {
		t.Errorf("left: %s", left)
	}
}

// A repeat joins the open erasure: what came in between goes too, the end is not put off,
// and one record tells of both.
func TestCleanRepeated(t *testing.T) {
	bearer := app(t, "app-repeat", "tenant-repeat")
	loadContacts(t, "tenant-repeat", contact{"c-1", "repeat-a", "repeat-b", "first"})
	passAllWriterLifetimes(t)
	clean(t, bearer, "repeat-a", "repeat-c").verified(t)
	requested := func() time.Time {
		jobs := slices.DeleteFunc(scan(t, running.Table("Erasures"), "attribute_exists(openShard)"),
			func(job item) bool {
				return job["scope"].(*types.AttributeValueMemberS).Value != "tenant-repeat"
			})
		if len(jobs) != 1 {
			t.Fatalf("%d jobs are open, want the one that was joined", len(jobs))
		}
		return moment(t, jobs[0]["requestedAt"])
	}
	first := requested()
	eventually(t, "the first contact is gone", func() bool { return len(filed(t, "tenant-repeat")) == 0 })
	loadContacts(t, "tenant-repeat", contact{"c-2", "repeat-b", "repeat-c", "second"},
		contact{"c-3", "repeat-b", "repeat-d", "kept"})
	clean(t, bearer, "repeat-c", "repeat-a", "repeat-c").verified(t)
	if again := requested(); !again.Equal(first) { // from when on an end is not put off
		t.Errorf("requested at %s, after a repeat at %s", first, again)
	}
	record := finished(t, "tenant-repeat", 1)[0]
	for _, want := range []string{number("requests", 2), number("found", 2), number("deleted", 2)} {
		if !strings.Contains(record, want) {
			t.Errorf("the record lacks %s: %s", want, record)
		}
	}
	if left := filed(t, "tenant-repeat"); len(left) != 2 || !strings.Contains(left[0], "kept") ||
		!strings.Contains(left[1], "kept") {
		t.Errorf("left: %s", left)
	}
}

// cleanBody is a good body of size bytes.
func cleanBody(size int) string {
	const body = `{"customNos":["nobody-padded"]}`
	return body + strings.Repeat(" ", size-len(body))
}
