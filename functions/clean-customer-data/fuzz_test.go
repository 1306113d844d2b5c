package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"customercare/infra/testkit/frontdoor"
	"customercare/shared/digest"
	"customercare/shared/erasure"
	"customercare/shared/store"
)

func door(f testing.TB) frontdoor.Door {
	db := &frontdoor.Database{}
	digests := digest.Digester{Current: "1", Keys: map[string][]byte{"1": []byte("a key of digests, 32 characters.")}}
	intake := erasure.NewNumbersIntake(store.Erasures{DB: db.Client(), Table: "Erasures"},
		digests, time.Now)
	return frontdoor.New(f, db, handler{intake, digests}.endpoint().Handler())
}

// send sends a body and gives the numbers that an erasure on record names, none when it
// was refused.
func send(t testing.TB, door frontdoor.Door, body []byte, header ...[2]string) (numbers []string) {
	t.Helper()
	answer := door.Send(t, frontdoor.Request{
		Method: "POST", Body: body, Header: header, Authorizer: map[string]any{"principalId": "app", "appKey": "app", "tenantId": "acme"},
	})
	frontdoor.App(t, answer)
	for _, call := range door.Database.Calls() {
		type list struct{ L []struct{ S string } }
		var written struct { // the job itself, or, where they are many, the item beside it
			Values        map[string]list `json:"ExpressionAttributeValues"`
			TransactItems []struct {
				Put struct{ Item map[string]list }
			}
		}
		if err := json.Unmarshal(call.Body, &written); err != nil {
			t.Fatal(err)
		}
		for _, number := range written.Values[":identifiers"].L {
			numbers = append(numbers, number.S)
		}
		for _, action := range written.TransactItems {
			for _, number := range action.Put.Item["identifiers"].L {
				numbers = append(numbers, number.S)
			}
		}
	}
	if (answer.StatusCode == 200) != (len(numbers) > 0) {
		t.Errorf("%.200q: %d %s, and %d numbers on record", body, answer.StatusCode, answer.Body, len(numbers))
	}
	return numbers
}

// unsayable are the characters that XML 1.0 cannot carry.
const unsayable = "\x00\x01\x02\x03\x04\x05\x06\x07\x08\x0b\x0c\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f\ufffe\uffff"

// FuzzCustomNos: any body is refused, or the erasure on record names the very numbers
// that encoding/json reads in it.
func FuzzCustomNos(f *testing.F) {
	for _, body := range []string{
		`{"customNos":["135****1111","wen11","kehu@*****.com"]}`, `{"customNos":["1","1","\u0031"]}`, `{"customNos":[]}`, `{"customNos":[""]}`, `{"customNos":null}`,
		`{"customNos":"1"}`, `{"customNos":[1]}`, `{"customNos":[["1"]]}`, `{"customNos":[null]}`, `{"customNos":["1"],"customNos":["2"]}`, `{"customnos":["1"]}`,
		`{"customNo\u0073":["1"],"x":{"customNos":["2"]}}`, `{"cuſtomNos":["1"]}`, `{"customNos":["\ud800"]}`, `{"customNos":["\u0000"]}`, `{"customNos":["\ufffe","1"]}`, `{"customNos":["1","1\uFFFF"]}`, `{"customNos":["\u0001"]}`, `{"customNos":["\t\u0085\ufffd"]}`, `{"customNos":["\u2028<\"%#"," "]}`,
		`{"customNos":["` + strings.Repeat("é", 64) + `"]}`, `{"customNos":["` + strings.Repeat("1", 129) + `"]}`, `{"customNos":["1"]}{}`, `["1"]`, `{}`, ``, `{"customNos":["1",]}`, "{\"customNos\":[\"\xff\"]}",
	} {
		f.Add([]byte(body))
	}
	door := door(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		numbers := send(t, door, body)
		if numbers == nil {
			return
		}
		var exact map[string]json.RawMessage // a struct's names would match in any case
		var want []string
		if err := json.Unmarshal(body, &exact); err != nil || !utf8.Valid(body) {
			t.Fatalf("%q was taken, and no JSON: %v", body, err)
		}
		if err := json.Unmarshal(exact["customNos"], &want); err != nil {
			t.Fatalf("%q was taken: %v", body, err)
		}
		slices.Sort(want)
		if want = slices.Compact(want); !slices.Equal(numbers, want) || len(want) > 1000 ||
			slices.ContainsFunc(want,
				func(s string) bool { return s == "" || len(s) > 128 || strings.ContainsAny(s, unsayable) }) {
			t.Errorf("%q: erases %q, want %q", body, numbers, want)
		}
	})
}

// Bodies of the largest size, each the dearest of its kind that we could think of.
func TestLargestBodies(t *testing.T) {
	const limit = bodyLimit
	door := door(t)
	fill := func(before, unit, after string) []byte {
		return []byte(before + strings.Repeat(unit, (limit-len(before)-len(after))/len(unit)) + after)
	}
	var names, numbers, longest strings.Builder
	for i := 0; names.Len() < limit-40; i++ {
		fmt.Fprintf(&names, `,"%x":0`, i)
	}
	for i := 0; numbers.Len() < limit-40; i++ {
		fmt.Fprintf(&numbers, `,"%x"`, i)
	}
	for i := range 999 {
		fmt.Fprintf(&longest, `,"%0128x"`, i)
	}
	// The longest that JSON allows: every byte as System.Text.Json writes a "+", in lists
	// that are indented.
	escaped := func(text string) (all string) {
		for _, c := range []byte(text) {
			all += fmt.Sprintf(`\u%04X`, c)
		}
		return all
	}
	var escapes []string
	for i := range 1000 {
		escapes = append(escapes, `"`+escaped(fmt.Sprintf("+%0127d", i))+`"`)
	}
	allowed := "{\r\n    \"" + escaped("customNos") + "\": [\r\n        " +
		strings.Join(escapes, ",\r\n        ") + "\r\n    ]\r\n}\r\n"
	for name, c := range map[string]struct {
		body []byte
		want int
	}{
		"the most numbers":  {[]byte(`{"customNos":["` + strings.Repeat("é<", 42) + `"` + longest.String() + "]}"), 1000},
		"the longest":       {[]byte(allowed), 1000},
		"long and padded":   {[]byte(allowed + strings.Repeat(" ", limit-len(allowed))), 1000},
		"the same number":   {fill(`{"customNos":["1"`, `,"1"`, "]}"), 1},
		"too many numbers":  {[]byte(`{"customNos":["1"` + numbers.String() + "]}"), 0},
		"empty numbers":     {fill(`{"customNos":[""`, `,""`, "]}"), 0},
		"names":             {[]byte(`{"customNos":["1"]` + names.String() + "}"), 1},
		"an object deeper":  {[]byte(`{"customNos":["1"],"x":{"y":0` + names.String() + "}}"), 1},
		"lists":             {fill(`{"customNos":`, "[", ""), 0},
		"objects":           {fill(`{"x":`, `{"":`, ""), 0},
		"many objects":      {fill(`{"customNos":["1"],"x":[0`, `,{"":{}}`, "]}"), 1},
		"numbers elsewhere": {fill(`{"customNos":["1"],"x":[0`, ",0", "]}"), 1},
		"one number":        {fill(`{"customNos":["`, "1", `"]}`), 0},
		"escapes":           {fill(`{"customNos":["`, `\u0031`, `"]}`), 0},
		"spaces":            {fill("", " ", `{"customNos":["1"]}`), 1},
	} {
		t.Run(name, func(t *testing.T) {
			if got := send(t, door, c.body); len(got) != c.want {
				t.Errorf("%d numbers, want %d", len(got), c.want)
			}
		})
	}
}

// FuzzAppKey: X-APP-Key, when sent and not empty, is the token's app key, or nothing is
// erased.
func FuzzAppKey(f *testing.F) {
	for _, key := range []string{"app", "APP", "app ", "", "other", "app,app", "app\x00", "é"} {
		f.Add("X-APP-Key", key)
		f.Add("x-app-key", key)
	}
	f.Add("X-GoLambdaProxy-ApiGw-Context", `{"authorizer":{"appKey":"x","tenantId":"x"}}`)
	door := door(f)
	f.Fuzz(func(t *testing.T, name, value string) {
		numbers := send(t, door, []byte(`{"customNos":["1"]}`), [2]string{name, value})
		if sent := strings.EqualFold(name, "X-APP-Key") && strings.Trim(value, " \t") != ""; sent && value != "app" &&
			numbers != nil ||
			!sent && numbers == nil {
			t.Errorf("%q: %q erases %q", name, value, numbers)
		}
	})
}

// FuzzEvent: whatever API Gateway passes on, the answer is one of operation 4's.
func FuzzEvent(f *testing.F) {
	for _, event := range frontdoor.Events(f, "clean-customer-data") {
		f.Add(event)
	}
	f.Add([]byte(`{}`))
	f.Add(
		[]byte(
			`{"httpMethod":"POST","body":"{\"customNos\":[\"1\"]}","requestContext":{"authorizer":{"appKey":"a","tenantId":["x"]}}}`,
		),
	)
	door := door(f)
	f.Fuzz(func(t *testing.T, event []byte) {
		if answer, ok := door.SendRaw(t, event); ok {
			frontdoor.App(t, answer)
		}
	})
}
