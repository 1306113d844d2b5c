package importer

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/attribute"
	"customercare/infra/quotas"
	"customercare/infra/testkit/bounds"
	"customercare/shared/store"
)

// strictTime is RFC 3339's date-time, with the bounds of an hour and an offset.
var strictTime = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt]([01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$`)

// FuzzParse: whatever a line holds: a sentence of one line that says nothing of the
// values; or a record that DynamoDB takes, whose keys come apart into what the line said,
// and whose data is the line's.
func FuzzParse(f *testing.F) {
	for _, c := range badLines {
		if len(c.line) < 1000 {
			f.Add([]byte(c.line))
		}
	}
	f.Add([]byte(`{"kind":"user","customerId":"ü/%#","devices":{"d1":{"n":[1,true,null,-0.5e-7]}},"x":"y"}`))
	f.Add([]byte(`{"kind":"transaction","accountId":"a#b","code":"%23","campaignId":"#","transactionId":"%","at":"2029-01-01T00:00:00.5+01:00","amount":"12.50","record":"customer"}`))
	f.Add([]byte(`{"kind":"contact","tenantId":"a#","contactId":"#b","at":"2029-01-01T00:00:00Z","callingNumber":"1","calledNumber":"1","customNos":["1","2"],"parties":[]}`))
	f.Add([]byte(`{"kind":"apiUser","name":"a","key":"key of the fuzz","accounts":["a","a","b"],"data":{"data":1}}`))
	f.Add([]byte(`{"kind":"operator","name":"a","password":["passes in the fuzz","quiet in the fuzz"],"operations":["set-temporary-allow"],"disabled":true,"validUntil":"2030-01-01T00:00:00z"}`))
	f.Add([]byte(`{"kind":"app","name":"a","secret":"secret of the fuzz","tenantId":"t","validUntil":"2030-01-01T00:00:00+24:00","x":{"y":[1e125,-1E-130,0.0e999]}}`))
	f.Add([]byte(`{"kind":"transaction","accountId":"a","code":"c","campaignId":"c","transactionId":"t","at":"2029-01-01T1:00:00Z"}`))
	f.Add([]byte(`{"kind":"contact","tenantId":"t","contactId":"c","at":"1990-12-31t23:59:60.5z","callingNumber":"\ufffd"}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		var r *record
		var err error
		bounds.Check(t, func() { r, err = parse(line) })
		if err != nil {
			if s := err.Error(); s == "" || len(s) > 200 || strings.ContainsAny(s, "\n\r\"") || !utf8.ValidString(s) {
				t.Errorf("sentence %q", s)
			}
			return
		}
		var said map[string]any
		d := json.NewDecoder(bytes.NewReader(line))
		d.UseNumber()
		if err := d.Decode(&said); err != nil || !json.Valid(line) {
			t.Fatalf("taken, and no JSON: %v", err)
		}
		str := func(name string) string { s, _ := said[name].(string); return s }
		key := func(name string, most int, want ...string) {
			s, _ := r.item[name].(*types.AttributeValueMemberS)
			if s == nil || s.Value == "" || len(s.Value) > most {
				t.Fatalf("key %s is %v", name, s)
			}
			if want != nil && !slices.Equal(store.SplitKey(s.Value), want) {
				t.Errorf("key %s is %q, want the parts %q", name, s.Value, want)
			}
		}
		keys := []string{"kind"}
		switch r.kind {
		case user:
			key("customerId", 2048)
			keys = append(append(keys, "customerId"), userMaps...)
		case customer:
			key("customer", 2048, str("accountId"), str("code"))
			key("record", 1024, "customer")
			keys = append(keys, "accountId", "code")
		case transaction:
			key("customer", 2048, str("accountId"), str("code"))
			key("record", 1024, "txn", str("campaignId"), str("transactionId"))
			keys = append(keys, "accountId", "code", "campaignId", "transactionId")
		case contactKind:
			key("contact", 1024)
			if parts := store.SplitKey(attribute.ReadText(r.item, "contact")); len(parts) != 2 || len(parts[0]) != 30 ||
				parts[1] != str("contactId") {
				t.Errorf("contact is %q", parts)
			}
			if !slices.IsSorted(r.parties) || len(r.parties) == 0 ||
				len(r.parties) > maxParties {
				t.Errorf("parties are %q", r.parties)
			}
			keys = append(keys, "tenantId", "contactId")
		default:
			key("principal", 2048, r.kind, str("name"))
			keys = append(keys, "name", "operations", "disabled", "validUntil", "password", "key", "secret")
			switch r.kind {
			case store.APIUser:
				keys = append(keys, "accounts")
			case store.App:
				keys = append(keys, "tenantId")
			}
		}
		for _, name := range []string{"at", "validUntil"} {
			time, isText := said[name].(string)
			if needed := name == "at" && (r.kind == transaction || r.kind == contactKind) || name == "validUntil" &&
				isText && slices.Contains(keys, name); needed && !strictTime.MatchString(time) {
				t.Errorf("%s %q was taken", name, time)
			}
		}
		for _, item := range r.items() {
			if size := quotas.Size(item); size > quotas.MaxItem {
				t.Errorf("%d bytes", size)
			}
			for _, value := range item {
				taken(t, value, 0)
			}
		}
		data, _ := r.item["data"].(*types.AttributeValueMemberM)
		for name, value := range said {
			if slices.Contains(keys, name) {
				continue
			}
			if data == nil || data.Value[name] == nil {
				t.Fatalf("%s is lost", name)
			}
			if s, ok := value.(string); ok && data.Value[name].(*types.AttributeValueMemberS).Value != s {
				t.Errorf("%s has changed", name)
			}
			if n, ok := value.(json.Number); ok &&
				!sameNumber(data.Value[name].(*types.AttributeValueMemberN).Value, n.String()) {
				t.Errorf("%s has changed", name)
			}
		}
	})
}

// taken fails when DynamoDB does not take a value that lies within depth lists and maps.
func taken(t *testing.T, value types.AttributeValue, depth int) {
	if depth > quotas.MaxDepth {
		t.Fatalf("more than %d levels", quotas.MaxDepth)
	}
	switch v := value.(type) {
	case *types.AttributeValueMemberS, *types.AttributeValueMemberBOOL, *types.AttributeValueMemberNULL:
	case *types.AttributeValueMemberN:
		if !quotas.Storable(v.Value) {
			t.Errorf("number %s", v.Value)
		}
	case *types.AttributeValueMemberL:
		for _, member := range v.Value {
			taken(t, member, depth+1)
		}
	case *types.AttributeValueMemberM:
		for name, member := range v.Value {
			if name == "" || len(name) > quotas.MaxName {
				t.Errorf("a name of %d bytes", len(name))
			}
			taken(t, member, depth+1)
		}
	default:
		t.Errorf("%T, of which the import makes none", v)
	}
}

// sameNumber says whether a number is kept: as it was written, or where that is longer
// than a number needs, as the same value.
func sameNumber(kept, written string) bool {
	if kept == written {
		return true
	}
	a, ok := new(big.Rat).SetString(kept)
	b, ok2 := new(big.Rat).SetString(written)
	if !ok2 { // the exponent is too long for it, which only a zero's may be
		mantissa, _, _ := strings.Cut(strings.ToLower(written), "e")
		return kept == "0" && strings.Trim(mantissa, "-0.") == ""
	}
	return ok && a.Cmp(b) == 0 && len(kept) <= 46
}

// FuzzLines: any file comes apart into its lines, as many bytes as it has, and each in
// its place, whatever their ends are.
func FuzzLines(f *testing.F) {
	for _, text := range []string{"", "\n", "a", "a\n", "a\r\nb", "\uFEFFa\n\uFEFFb\n", "\r\r\n", " a \t\n\n\x00\n",
		"a\rb\n", "\uFEFF"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		var got [][]byte
		taken, number := 0, 0
		bounds.Check(t, func() {
			got, taken = nil, 0
			for l := newLines(bytes.NewReader(file)); ; {
				line, err := l.next()
				if err != nil {
					if !errors.Is(err, io.EOF) {
						t.Errorf("line %d: %v", l.number, err)
					}
					return
				}
				got, taken, number = append(got, bytes.Clone(line)), taken+l.taken, l.number
			}
		})
		want := bytes.Split(bytes.TrimPrefix(file, []byte("\uFEFF")), []byte("\n"))
		if last := len(want) - 1; len(want[last]) == 0 && !bytes.Equal(file, []byte("\uFEFF")) {
			want = want[:last]
		}
		if len(got) != len(want) || taken != len(file) || number != len(got) {
			t.Fatalf("%q: %d lines of %d bytes, number %d, want %d of %d", file, len(got), taken, number, len(want),
				len(file))
		}
		for i := range want {
			if !bytes.Equal(got[i], bytes.Trim(want[i], " \t\r")) {
				t.Errorf("%q: line %d is %q", file, i+1, got[i])
			}
		}
	})
}

// Lines of the largest size, each the dearest of its kind that we could think of.
func TestLargestLines(t *testing.T) {
	fill := func(before, unit, after string) []byte {
		return []byte(before + strings.Repeat(unit, (maxLine-len(before)-len(after))/len(unit)) + after)
	}
	const user, contact = `{"kind":"user","customerId":"u"`, `{"kind":"contact","tenantId":"t","contactId":"c","at":"2029-01-01T00:00:00Z"`
	for name, line := range map[string][]byte{
		"numbers":   fill(user+`,"x":[0`, ",0", "]}"),
		"objects":   fill(user+`,"x":[0`, ",{}", "]}"),
		"lists":     fill(user+`,"x":`, "[", ""),
		"names":     fill(user+`,"x":[0`, `,{"a":0}`, "]}"),
		"text":      fill(user+`,"x":"`, `\u0041`, `"}`),
		"digits":    fill(user+`,"x":`, "1", "}"),
		"customNos": fill(contact+`,"customNos":["1"`, `,"1"`, "]}"),
		"accounts":  fill(`{"kind":"apiUser","name":"a","key":"key of the fuzz","accounts":["1"`, `,"1"`, "]}"),
		"spaces":    fill("", " ", user+"}"),
	} {
		t.Run(name, func(t *testing.T) { bounds.Check(t, func() { _, _ = parse(line) }) })
	}
}
