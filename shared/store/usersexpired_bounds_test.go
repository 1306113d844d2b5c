package store_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/testkit/dynamotest"
	"customercare/shared/store"
)

// expressions is a transport that holds what DynamoDB documents of expressions: 4 KB, 300
// operators.
type expressions struct {
	t    *testing.T
	next http.RoundTripper
}

func (e expressions) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	var call struct{ UpdateExpression, ConditionExpression string }
	_ = json.Unmarshal(body, &call)
	for _, expression := range []string{call.UpdateExpression, call.ConditionExpression} {
		operators := 0
		for _, operator := range []string{",", " = ", " AND ", "."} {
			operators += strings.Count(expression, operator)
		}
		if len(expression) > 4096 || operators > 300 {
			e.t.Errorf("an expression of %d bytes with %d operators", len(expression), operators)
		}
	}
	return e.next.RoundTrip(r)
}

// However many kinds of a user have expired, and whatever they are called, all go, in
// writes that DynamoDB takes; and those that go in other writes than one that was renewed
// meanwhile.
func TestSweepOfManyKinds(t *testing.T) {
	t.Parallel()
	now := time.Now()
	past, future := now.Add(-time.Minute), now.Add(time.Hour)
	for _, n := range []int{1, 3, 49, 50, 51, 100, 113, 114, 150, 300} {
		kit := dynamotest.Open(t)
		kit.Faults.Next = expressions{t, kit.Faults.Next}
		kinds := map[string]time.Time{"in force": future}
		for i := range n {
			kinds[strconv.Itoa(1_000_000_000+i)] = past
		}
		kit.Put(t, kit.Users.Table, userWithAllows("u", kinds))
		kit.Faults.Calls()
		if removed, err := kit.Users.SweepTempAllows(t.Context(), 0, 1, now); removed != n || err != nil {
			t.Errorf("%d of %d removed, %v", removed, n, err)
		}
		if calls := kit.Faults.Calls(); len(calls) != 1+(n+49)/50 {
			t.Errorf("%d kinds: %d calls", n, len(calls))
		}
		left := kit.Dump(t, kit.Users.Table)[0]
		if strings.Count(left, `"expires"`) != 1 || !strings.Contains(left, `"in force"`) {
			t.Errorf("%d kinds: left %s", n, left)
		}
	}

	kit := dynamotest.Open(t)
	kinds := map[string]time.Time{strings.Repeat("k", 5000): past, "a.b[0] #:": past, "é😀": past}
	for i := range 120 {
		kinds[fmt.Sprintf("%03d", i)] = past
	}
	kit.Put(t, kit.Users.Table, userWithAllows("u", kinds))
	plain := store.Users{DB: kit.Plain, Table: kit.Users.Table}
	kit.Faults.Interrupt(2, func() {
		if err := plain.SetTempAllow(t.Context(), "u", store.TempAllow{Type: 100, Expires: future}); err != nil {
			t.Error(err)
		}
	})
	removed, err := kit.Users.SweepTempAllows(t.Context(), 0, 1, now)
	left := kit.Dump(t, kit.Users.Table)[0]
	renewed := strings.Contains(left, strconv.FormatInt(future.UnixMilli(), 10))
	if err != nil || removed < 100-50 || strings.Count(left, `"expires"`) != 123-removed || !renewed {
		t.Errorf("%d removed, %v, left %s", removed, err, left)
	}
}

// A write that fails keeps none of the same user's others back.
func TestSweepOfOneUserGoesOnPastAFailedWrite(t *testing.T) {
	t.Parallel()
	now := time.Now()
	kinds := map[string]time.Time{}
	for i := range 140 {
		kinds[strconv.Itoa(i)] = now.Add(-time.Minute)
	}
	for bad, want := range map[int]int{1: 90, 2: 90, 3: 100} {
		kit := dynamotest.Open(t)
		kit.Put(t, kit.Users.Table, userWithAllows("u", kinds))
		kit.Faults.InjectOn("UpdateItem", dynamotest.Refused, bad, bad)
		if removed, err := kit.Users.SweepTempAllows(t.Context(), 0, 1, now); removed != want || err == nil {
			t.Errorf("write %d: %d removed, %v", bad, removed, err)
		}
	}
}

// What a foreign writer stores, of whatever type, is left as it is, and keeps nobody else
// from being swept.
func TestSweepOfForeignTypes(t *testing.T) {
	t.Parallel()
	kit := dynamotest.Open(t)
	now := time.Now()
	past := strconv.FormatInt(now.Add(-time.Hour).UnixMilli(), 10)
	foreign := item{
		"number":          number("1"),
		"text":            text("1"),
		"empty text":      text(""),
		"null":            &types.AttributeValueMemberNULL{Value: true},
		"flag":            &types.AttributeValueMemberBOOL{Value: true},
		"binary":          &types.AttributeValueMemberB{Value: []byte("1")},
		"list":            list(number(past)),
		"numbers":         &types.AttributeValueMemberNS{Value: []string{past}},
		"texts":           set(past),
		"kind is number":  mapOf(item{"1": number(past)}),
		"kind is list":    mapOf(item{"1": list()}),
		"no expiry":       mapOf(item{"1": mapOf(item{"grantedBy": text("csr")})}),
		"expiry is text":  mapOf(item{"1": mapOf(item{"expires": text(past)})}),
		"fraction":        mapOf(item{"1": mapOf(item{"expires": number("99999999999999.5")})}),
		"exponent":        mapOf(item{"1": mapOf(item{"expires": number("9.9999E+13")})}),
		"beyond 64 bits":  mapOf(item{"1": mapOf(item{"expires": number("9E+30")})}),
		"below 64 bits":   mapOf(item{"1": mapOf(item{"expires": number("-9E+30")})}),
		"very much later": mapOf(item{"1": mapOf(item{"expires": number("9223372036854775807")})}),
	}
	for name, allows := range foreign {
		kit.Put(t, kit.Users.Table, item{"customerId": text(name), "tempAllows": allows})
	}
	before := strings.Join(kit.Dump(t, kit.Users.Table), "\n")
	for i := range 20 {
		kit.Put(t, kit.Users.Table, userWithAllows(fmt.Sprint("u", i), map[string]time.Time{"1": now}))
	}
	kit.Put(t, kit.Users.Table, item{"customerId": text("both"), "tempAllows": mapOf(item{
		"1": number(past), "2": mapOf(item{"expires": number(past), "more": text("x")}), "3": text("x")})})
	if removed, err := kit.Users.SweepTempAllows(t.Context(), 0, 1, now); removed != 21 || err != nil {
		t.Errorf("%d removed, %v", removed, err)
	}
	var left []string
	for _, line := range kit.Dump(t, kit.Users.Table) {
		if strings.Contains(line, `"both"`) {
			if strings.Contains(line, "expires") || !strings.Contains(line, `"3":{"Value":"x"}`) {
				t.Error(line)
			}
		} else if !strings.Contains(line, `"devices"`) {
			left = append(left, line)
		} else if strings.Contains(line, "expires") {
			t.Error(line)
		}
	}
	if got := strings.Join(left, "\n"); got != before {
		t.Errorf("got\n%s\nwant\n%s", got, before)
	}
}
