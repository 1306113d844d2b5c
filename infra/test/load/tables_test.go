package load

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/attribute"
	"customercare/infra/local/stack"
	"customercare/shared/store"
)

// book is what answers have promised.
type book struct {
	codes, numbers map[string]bool // said to be gone
	users          map[string]bool // said to be changed
	allows         map[string]bool // "user type", said to be set
	cleans         int             // calls that were accepted
	expires        string          // of every allow, as it is stored
}

func newBook(m material) *book {
	return &book{
		expires: strconv.FormatInt(m.expires.UnixMilli(), 10),
		codes:   map[string]bool{},
		numbers: map[string]bool{},
		users:   map[string]bool{},
		allows:  map[string]bool{},
	}
}

// item is one item as it is stored.
type item = attribute.Item

// snapshot is all items of a table by their key, its parts joined by a tab.
type snapshot map[string]item

// read is a whole table now, by a strongly consistent scan.
func read(ctx context.Context, st *stack.Stack, table string, keys ...string) (snapshot, error) {
	all := snapshot{}
	for pages := dynamodb.NewScanPaginator(st.DynamoDB(), &dynamodb.ScanInput{
		TableName: aws.String(st.Table(table)), ConsistentRead: aws.Bool(true),
	}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", table, err)
		}
		for _, i := range page.Items {
			var parts []string
			for _, name := range keys {
				parts = append(parts, attribute.ReadText(i, name))
			}
			all[strings.Join(parts, "\t")] = i
		}
	}
	return all, nil
}

// tables are the data that operations work on.
type tables struct{ users, customers, contacts snapshot }

func readTables(ctx context.Context, st *stack.Stack) (t tables, err error) {
	if t.users, err = read(ctx, st, "Users", "customerId"); err != nil {
		return t, err
	}
	if t.customers, err = read(ctx, st, "Customers", "customer", "record"); err != nil {
		return t, err
	}
	t.contacts, err = read(ctx, st, "Contacts", "party", "contact")
	return t, err
}

// drained waits until the ledger has no open erasure, and gives the records of those that
// are done.
func drained(ctx context.Context, st *stack.Stack) (records []item, err error) {
	for {
		ledger, err := read(ctx, st, "Erasures", "erasureId")
		if err != nil {
			return nil, err
		}
		open := 0
		records = nil
		for _, i := range ledger {
			if i["openShard"] != nil {
				open++
			}
			if attribute.ReadText(i, "state") == "done" {
				records = append(records, i)
			}
		}
		if open == 0 {
			return records, nil
		}
		select {
		case <-ctx.Done():
			return records, fmt.Errorf("%d erasures are still open: %w", open, context.Cause(ctx))
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// outcome is how the tables differ from what was promised.
type outcome struct {
	Lost    []string // subjects said to be gone of whom something is left
	Wrong   []string // other items, and users, that are not as they must be
	Records int      // of finished erasures
	Wanted  int      // one for each customer and each accepted call
	Twice   []string // records with the subjects of another
}

// compare holds the tables after the load against those before it and the book.
func (b *book) compare(m material, before, after tables, ledger []item) outcome {
	o := outcome{Records: len(ledger), Twice: twice(ledger), Wanted: len(b.codes) + b.cleans}
	gone := map[string]bool{}
	for code := range b.codes {
		gone[store.CustomerKey(account, code)] = true
	}
	o.differences(before.customers, after.customers, func(key string) string {
		if customer, _, _ := strings.Cut(key, "\t"); gone[customer] {
			return "customer " + customer
		}
		return ""
	})
	o.differences(before.contacts, after.contacts, func(key string) string {
		_, contact, _ := strings.Cut(key, "\t")
		if number := m.contacts[contact]; b.numbers[number] {
			return "number " + number
		}
		return ""
	})
	for id, was := range before.users {
		if is := after.users[id]; !b.userIsRight(id, was, is) {
			o.Wrong = append(o.Wrong, "user "+id)
		}
	}
	if extra := len(after.users) - len(before.users); extra != 0 {
		o.Wrong = append(o.Wrong, fmt.Sprintf("%d users more than before", extra))
	}
	slices.Sort(o.Lost)
	o.Lost = slices.Compact(o.Lost)
	slices.Sort(o.Wrong)
	return o
}

// twice describes records of one customer, or of one list of numbers, beyond its first.
func twice(ledger []item) (all []string) {
	seen := map[string]item{}
	for _, i := range ledger {
		text, _ := json.Marshal([]types.AttributeValue{i["subjects"], i["subjectsIn"]}) // one of the two
		subjects := string(text)
		if first := seen[subjects]; first != nil {
			for _, record := range []item{first, i} {
				all = append(
					all,
					fmt.Sprintf("%s of %.100s: requests %d, found %d, deleted %d, requested at %d, finished at %d",
						attribute.ReadText(record, "kind"), subjects, attribute.ReadNumber(record, "requests"),
						attribute.ReadNumber(record, "found"), attribute.ReadNumber(record, "deleted"),
						attribute.ReadNumber(record, "requestedAt"), attribute.ReadNumber(record, "finishedAt")),
				)
			}
		}
		seen[subjects] = i
	}
	return all
}

// differences wants every item of before in after, byte for byte, but for those of a
// subject that is gone; what after has besides is wrong, or of such a subject.
func (o *outcome) differences(before, after snapshot, gone func(key string) string) {
	for key, was := range before {
		is, there := after[key]
		switch subject := gone(key); {
		case subject != "" && there:
			o.Lost = append(o.Lost, subject)
		case subject == "" && !there:
			o.Wrong = append(o.Wrong, "missing: "+key)
		case subject == "" && !reflect.DeepEqual(was, is):
			o.Wrong = append(o.Wrong, "changed: "+key)
		}
	}
	for key := range after {
		if before[key] == nil {
			o.Wrong = append(o.Wrong, "new: "+key)
		}
	}
}

// userIsRight says whether a user is as it was but for what was done to it.
func (b *book) userIsRight(id string, was, is item) bool {
	want := item{}
	for name, value := range was {
		want[name] = value
	}
	kind, _, _ := strings.Cut(id, "/")
	if b.users[id] {
		if attribute.ReadNumber(is, "activeAt") <= attribute.ReadNumber(was, "activeAt") {
			return false // what was done is an activity
		}
		want["activeAt"] = is["activeAt"]
		switch kind {
		case "cancelAllTemporaryAllows":
			want["tempAllows"] = &types.AttributeValueMemberM{Value: item{}}
		case "unregisterDevices":
			delete(want, "devices")
		case "reset":
			for _, name := range []string{"registration", "questions", "images", "phrases"} {
				delete(want, name)
			}
		case allowed:
			return b.allowsAreRight(id, want, is)
		}
	}
	return reflect.DeepEqual(want, is)
}

// allowsAreRight compares a user but for when each allow was granted.
func (b *book) allowsAreRight(id string, want, is item) bool {
	stored, _ := is["tempAllows"].(*types.AttributeValueMemberM)
	if stored == nil {
		return false
	}
	for n := 1; n <= 3; n++ {
		kind := strconv.Itoa(n)
		allow, _ := stored.Value[kind].(*types.AttributeValueMemberM)
		if (allow != nil) != b.allows[id+" "+kind] {
			return false
		}
		if allow == nil {
			continue
		}
		expires, _ := allow.Value["expires"].(*types.AttributeValueMemberN)
		if expires == nil || expires.Value != b.expires || attribute.ReadText(allow.Value, "grantedBy") != operator {
			return false
		}
	}
	rest := item{}
	for name, value := range is {
		rest[name] = value
	}
	rest["tempAllows"] = want["tempAllows"]
	return reflect.DeepEqual(want, rest)
}
