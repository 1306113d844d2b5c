// Package digestkeys reads and changes the text of the secret DigestKeys: a flat JSON
// object from key id to key, such as {"1":"...","2":"..."}. None of its errors quotes a
// key.
package digestkeys

import (
	"cmp"
	"crypto/rand"
	"customercare/shared/digest"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
)

// Keys are the keys by their ids.
type Keys map[string]string

// shortest is how many characters a key has at least. The functions refuse a shorter
// one at their start (package secret).
const shortest = 32

// isID is what the template's parameter DigestKeyId takes.
var isID = regexp.MustCompile(`^[A-Za-z0-9]{1,16}$`)

// Parse reads the secret's text.
func Parse(text string) (Keys, error) {
	var keys Keys
	if err := json.Unmarshal([]byte(text), &keys); err != nil || len(keys) == 0 {
		return nil, errors.New("this is not the text of the secret DigestKeys, a flat JSON object from key id to key")
	}
	return keys, nil
}

// IDs are the ids of all keys, those that are numbers in the order of numbers.
func (k Keys) IDs() []string {
	return slices.SortedFunc(maps.Keys(k), func(a, b string) int {
		return cmp.Or(len(a)-len(b), strings.Compare(a, b)) // 2 before 10
	})
}

// Faults are the reasons, a sentence each, why functions could not start with these keys
// and current as the key of new digests.
func (k Keys) Faults(current string) (sentences []string) {
	if _, there := k[current]; !there {
		sentences = append(sentences, fmt.Sprintf("there is no key %q, which the parameter DigestKeyId names", current))
	}
	for _, id := range k.IDs() {
		if !isID.MatchString(id) {
			sentences = append(sentences, fmt.Sprintf("the id %q is none: it takes 1 to 16 letters and digits", id))
		}
		if utf8.RuneCountInString(k[id]) < shortest {
			sentences = append(sentences, fmt.Sprintf("the key %q has less than %d characters", id, shortest))
		}
	}
	return sentences
}

// Propose is an id for a key that is made in this year: the year, or where there is such
// a key already the year and a letter. taken says of an id that no key may have it any
// more, beside those that there are.
func (k Keys) Propose(year int, taken func(id string) bool) string {
	id := strconv.Itoa(year)
	for letter := 'b'; letter <= 'z' && (k[id] != "" || taken(id)); letter++ {
		id = fmt.Sprintf("%d%c", year, letter)
	}
	return id
}

// Add makes a key of 256 random bits under the id. A key that stands is never replaced.
func (k Keys) Add(id string) error {
	if !isID.MatchString(id) {
		return fmt.Errorf("%q is no id of a key: it takes 1 to 16 letters and digits", id)
	}
	if _, there := k[id]; there {
		return fmt.Errorf("there is a key %q already, and no key is ever replaced: choose another id", id)
	}
	random := make([]byte, 32)
	_, _ = rand.Read(random) // never fails
	k[id] = hex.EncodeToString(random)
	return nil
}

// Text is the secret's text.
func (k Keys) Text() string {
	text, _ := json.Marshal(k, json.Deterministic(true)) // of strings: it cannot fail
	return string(text)
}

// Digester knows all keys. Commands only compare digests. The largest id is current; it
// only names what is left out.
func (k Keys) Digester() digest.Digester {
	digests := digest.Digester{Keys: map[string][]byte{}}
	for id, key := range k {
		digests.Current, digests.Keys[id] = max(digests.Current, id), []byte(key)
	}
	return digests
}
