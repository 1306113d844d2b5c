package importer_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/attribute"
	"customercare/infra/importer"
	"customercare/infra/testkit/dynamotest"
	"customercare/shared/store"
)

func customerLine(code int) string {
	return fmt.Sprintf(`{"kind":"customer","accountId":"a","code":"%d","name":"Person %d"}`, code, code)
}

func transactionLine(code, id int) string {
	return fmt.Sprintf(`{"kind":"transaction","accountId":"a","code":"%d","campaignId":"c%d","transactionId":"%d","at":"2029-01-01T00:00:00Z","amount":"1.25"}`, code, id%3, id)
}

func contactLine(id int, numbers ...string) string {
	return fmt.Sprintf(`{"kind":"contact","tenantId":"t","contactId":"%d","at":"2029-01-01T00:00:00Z","customNos":["%s"],"content":"of %s"}`,
		id, strings.Join(numbers, `","`), strings.Join(numbers, " "))
}

// Broken once on purpose: without the check on the customer the transactions of 3 come
// back, without the condition on its put the customer does.
func TestNothingIsWrittenUnderATombstone(t *testing.T) {
	kit := dynamotest.Open(t)
	kit.Put(t, kit.Customers.Table, map[string]types.AttributeValue{
		"customer":  &types.AttributeValueMemberS{Value: "a#3"},
		"record":    &types.AttributeValueMemberS{Value: store.CustomerRecord},
		"tombstone": &types.AttributeValueMemberS{Value: "job"},
		"at":        &types.AttributeValueMemberN{Value: "1"},
	}, map[string]types.AttributeValue{
		"customer":  &types.AttributeValueMemberS{Value: "a#5"},
		"record":    &types.AttributeValueMemberS{Value: store.CustomerRecord},
		"tombstone": &types.AttributeValueMemberS{Value: "job"},
		"at":        &types.AttributeValueMemberN{Value: "1"},
	})
	var lines, refused []string
	for i := range 400 { // 5 is erased as well, and has transactions alone
		code := i % 10
		line := transactionLine(code, i)
		if i < 10 && code != 5 {
			line = customerLine(code)
		}
		lines = append(lines, line)
		if code == 3 || code == 5 {
			refused = append(refused, fmt.Sprintf("%04d: the customer is being erased, try again later", i+1))
		}
	}
	counts, reports, err := load(t, kit, strings.Join(lines, "\n"), func(o *importer.Options) { o.Workers = 1 })
	same(t, reports, refused)
	if err == nil || err.Error() != "80 of 400 lines are not loaded" ||
		counts.String() != "8 customers, 312 transactions" {
		t.Errorf("%v, %v", counts, err)
	}
	all := items(t, kit, kit.Customers.Table)
	if len(all) != 320+2 {
		t.Errorf("%d items", len(all))
	}
	for _, item := range all {
		for _, code := range []string{"3", "5"} {
			if strings.Contains(item, `"a#`+code+`"`) &&
				item != `{"at":"1","customer":"a#`+code+`","record":"customer","tombstone":"job"}` {
				t.Errorf("written under the tombstone: %s", item)
			}
		}
	}
}

// For every number that a copy names there is a copy under that number, naming the same:
// whatever an earlier load filed the contact under.
func TestContactIsFiledUnderItsNumbersAlone(t *testing.T) {
	kit := dynamotest.Open(t)
	many := make([]string, 50)
	for i := range many {
		many[i] = fmt.Sprint("n", i)
	}
	for _, c := range []struct {
		filed []string
		want  []string
	}{
		{[]string{contactLine(1, "a", "b")}, []string{"a:a,b", "b:a,b"}},
		{[]string{contactLine(1, "b", "a")}, []string{"a:a,b", "b:a,b"}},
		{[]string{contactLine(1, "a", "c")}, []string{"a:a,c", "c:a,c"}},
		// nothing in common: another contact
		{[]string{contactLine(1, "d", "e")}, []string{"a:a,c", "c:a,c", "d:d,e", "e:d,e"}},
		{[]string{contactLine(1, "c", "d", "f")}, []string{"c:c,d,f", "d:c,d,f", "f:c,d,f"}},
		{[]string{contactLine(1, "f"), contactLine(2, "x", "y"), contactLine(1, "f", "g")},
			[]string{"f:f,g", "g:f,g", "x:x,y", "y:x,y"}},
		{[]string{contactLine(2, "x"), contactLine(1, append(many, "f")[1:]...), contactLine(1, "g")}, nil},
		{[]string{contactLine(1, "f")}, []string{"f:f", "g:g", "x:x"}},
	} {
		mustLoad(t, kit, c.filed...)
		var got []string
		for _, table := range []string{kit.Contacts.Table} {
			for _, item := range items(t, kit, table) {
				party := between(item, `"party":"t#`, `"`)
				parties := strings.ReplaceAll(between(item, `"parties":[`, `]`), `"`, "")
				got = append(got, party+":"+parties)
			}
		}
		slices.Sort(got)
		if c.want != nil && !slices.Equal(got, c.want) {
			t.Errorf("after %s\ngot  %s\nwant %s", c.filed, got, c.want)
		}
	}
}

func between(s, before, after string) string {
	_, s, _ = strings.Cut(s, before)
	s, _, _ = strings.Cut(s, after)
	return s
}

// mixed are lines of all kinds that DynamoDB takes many of.
func mixed(n int) string {
	random := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	for i := range n {
		switch i % 10 {
		case 0, 1:
			b.WriteString(customerLine(i))
		case 2:
			fmt.Fprintf(&b, `{"kind":"user","customerId":"u%d","registration":{"n":%d},"devices":{"d1":{}}}`, i, i)
		case 3, 4:
			b.WriteString(contactLine(i, fmt.Sprint("n", random.IntN(n)), fmt.Sprint("n", random.IntN(n))))
		default:
			b.WriteString(transactionLine(random.IntN(n), i))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// A load that dies at any call, before or after DynamoDB has done it, and goes on from
// the line that it names, ends with the same tables as one that never stopped.
func TestStoppedLoadGoesOn(t *testing.T) {
	lines := mixed(800)
	whole := dynamotest.Open(t)
	mustLoad(t, whole, lines)
	want := contents(t, whole)

	kit := dynamotest.Open(t)
	from, stops := 1, 0
	for k := 1; ; k += 2 {
		ctx := kit.Faults.Die(k, k%4 == 1)
		o := options(kit)
		o.From, o.Workers = from, 3
		o.Report = func(line int, sentence string) { t.Errorf("line %d: %s", line, sentence) }
		_, err := importer.Load(ctx, o, strings.NewReader(lines))
		kit.Faults.Calls()
		if err == nil {
			break
		}
		stopped, ok := errors.AsType[*importer.Stopped](err)
		if !ok || stopped.Line < from {
			t.Fatalf("from line %d: %v", from, err)
		}
		from = stopped.Line
		stops++
	}
	if stops < 3 || from == 1 {
		t.Errorf("stopped %d times, at last at line %d: nothing is shown", stops, from)
	}
	same(t, contents(t, kit), want)
}

func contents(t testing.TB, kit *dynamotest.Kit) []string {
	t.Helper()
	var all []string
	for _, table := range kit.All() {
		all = append(all, items(t, kit, table)...)
	}
	return all
}

func TestFaultsThatPassAreWaitedOut(t *testing.T) {
	for _, fault := range []dynamotest.Fault{dynamotest.Before, dynamotest.After, dynamotest.Throttle,
		dynamotest.Timeout} {
		kit := dynamotest.Open(t)
		kit.Faults.Inject(fault, 2, 12) // more than the client's own attempts
		counts := mustLoad(t, kit, mixed(200))
		if !kit.Faults.Struck() || counts.Failed != 0 {
			t.Errorf("%s: %v", fault, counts)
		}
	}
}

// gathering lets no call to DynamoDB out before as many as wanted are under way.
type gathering struct {
	next   http.RoundTripper
	wanted int64
	here   atomic.Int64
	once   sync.Once
	all    chan struct{}
}

func (g *gathering) RoundTrip(r *http.Request) (*http.Response, error) {
	defer g.here.Add(-1)
	if g.here.Add(1) >= g.wanted {
		g.once.Do(func() { close(g.all) })
	}
	select {
	case <-g.all:
		return g.next.RoundTrip(r)
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// What makes a large load quick (100,000 lines in less than a minute on a machine that
// does nothing else) is counted: eight calls are under way at the same time, else the
// first would never be let out, and a call writes many lines.
func TestTwentyThousandLines(t *testing.T) {
	kit := dynamotest.Open(t)
	together := &gathering{next: kit.Faults.Next, wanted: 8, all: make(chan struct{})}
	kit.Faults.Next = together
	finished := 0
	lines := mixed(20_000)
	counts, _, err := load(t, kit, lines, func(o *importer.Options) { o.Progress = func(bytes int) { finished += bytes } })
	if err != nil || finished != len(lines) {
		t.Errorf("%v; %d of %d bytes finished", err, finished, len(lines))
	}
	calls := map[string]int{}
	for _, action := range kit.Faults.Calls() {
		calls[action]++
	}
	total := 0
	for _, n := range calls {
		total += n
	}
	if total > 20_000/20 {
		t.Errorf("%s took %d calls: %v", counts, total, calls)
	}
	t.Logf("%s in %v", counts, calls)
}

// A contact that another writer has filed is moved like any other where its parties can
// be read, a string set too. Where they cannot, it is not written over, because nobody
// knows under which numbers its other copies are; the line says why.
func TestContactsOfOtherWriters(t *testing.T) {
	number := &types.AttributeValueMemberN{Value: "2"}
	for name, c := range map[string]struct {
		parties types.AttributeValue
		whole   bool
	}{
		"string set": {&types.AttributeValueMemberSS{Value: []string{"b", "a"}}, true},
		"list":       {&types.AttributeValueMemberL{Value: []types.AttributeValue{attribute.Text("b"), attribute.Text("a")}}, true},
		"mixed list": {&types.AttributeValueMemberL{Value: []types.AttributeValue{attribute.Text("a"), attribute.Text("b"), number}},
			false},
		"empty list":  {&types.AttributeValueMemberL{}, false},
		"number":      {number, false},
		"number set":  {&types.AttributeValueMemberNS{Value: []string{"1", "2"}}, false},
		"string":      {attribute.Text("a"), false},
		"map":         {&types.AttributeValueMemberM{Value: map[string]types.AttributeValue{"a": attribute.Text("b")}}, false},
		"null":        {&types.AttributeValueMemberNULL{Value: true}, false},
		"binary":      {&types.AttributeValueMemberB{Value: []byte("a")}, false},
		"none at all": {nil, false},
	} {
		kit := dynamotest.Open(t)
		mustLoad(t, kit, contactLine(1, "a", "b"))
		for _, party := range []string{"t#a", "t#b"} {
			it := map[string]types.AttributeValue{"party": attribute.Text(party),
				"contact": attribute.Text("2029-01-01T00:00:00.000000000Z#1"), "content": attribute.Text("of a b")}
			if c.parties != nil {
				it["parties"] = c.parties
			}
			kit.Put(t, kit.Contacts.Table, it)
		}
		before := items(t, kit, kit.Contacts.Table)
		if len(before) != 2 {
			t.Fatalf("%s: %s", name, before)
		}
		if c.whole {
			mustLoad(t, kit, contactLine(1, "a", "c"))
			if after := strings.Join(items(t, kit, kit.Contacts.Table), ""); strings.Count(after, `"party"`) != 2 ||
				!strings.Contains(after, `"t#a"`) || !strings.Contains(after, `"t#c"`) {
				t.Errorf("%s: filed as %s", name, after)
			}
			continue
		}
		_, reports, err := load(t, kit, contactLine(1, "a", "c"))
		same(t, reports, []string{"0001: the contact stands with parties that cannot be read, so nobody knows under which numbers: take it away first"})
		if err == nil {
			t.Errorf("%s: no error", name)
		}
		same(t, items(t, kit, kit.Contacts.Table), before)
	}
}
