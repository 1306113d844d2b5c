package secret

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"customercare/infra/testkit/bounds"
)

// FuzzDigestKeys: any text of the secret is refused in a sentence that says nothing of
// it, or gives the keys that a stricter library reads in it, each id once, and a current
// one that is long enough.
func FuzzDigestKeys(f *testing.F) {
	const key = "first-key-first-key-first-key-01"
	for _, text := range []string{
		`{"1":"` + key + `"}`, `{"1":"` + key + `","2":"x"}`, ` { "1" : "` + key + `" } `, `{"1":"` + key + `","1":"` + key + `"}`, `{"1":"","\u0031":"` + key + `"}`, `{"1":{"2":"` + key + `"}}`,
		`{"1":["` + key + `"]}`, `["1","` + key + `"]`, `{"1":null}`, `{"1":7}`, `{}`, `null`, ``, key, `"` + key + `"`, `{"1":"` + key + `"} x`, `{"1":"` + key + `",}`, `{"1":"` + key, "{\"1\":\"" + key + "\xff\"}",
		`{"1":"` + key[1:] + `\ud800"}`, `{"1":"` + key + "\n" + `"}`, "\uFEFF" + `{"1":"` + key + `"}`, `{"":"` + key + `"}`, `{"1":"` + key + `"}}`, strings.Repeat("[", 10_000), strings.Repeat(`{"1":`, 1000),
	} {
		f.Add(text, "1")
	}
	f.Add(`{"":"`+key+`"}`, "")
	f.Fuzz(func(t *testing.T, text, current string) {
		var keys map[string][]byte
		var err error
		bounds.Check(t, func() { keys, err = DigestKeys{Current: current}.keys(text) })
		if err != nil {
			// The sentences that quote DIGEST_KEY_ID do so at most once.
			if said := strings.ReplaceAll(err.Error(), current, ""); err.Error() == "" ||
				strings.Contains(said, "first-key") {
				t.Errorf("refused with %q", err)
			}
			return
		}
		var want map[string]*string
		if err := json.Unmarshal([]byte(text), &want, jsontext.AllowInvalidUTF8(true)); err != nil ||
			len(want) != len(keys) {
			t.Fatalf("%q was taken with %d keys: %v", text, len(keys), err)
		}
		for id, key := range want {
			if key == nil || *key != string(keys[id]) {
				t.Errorf("%q: the key %q is %q", text, id, keys[id])
			}
		}
		if utf8.RuneCount(keys[current]) < minKeyLength {
			t.Errorf("%q: the current key is %q", text, keys[current])
		}
	})
}
