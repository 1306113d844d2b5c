package store

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// FailuresPrefix begins the keys of the items that Failures describes. A function that
// counts failures may write no other items of the table (template.yaml).
const FailuresPrefix = "failures#"

func failuresKey(source string) string { return FailuresPrefix + shortHash(source) }

// hashLength is the length of a shortHash.
const hashLength = 24

// shortHash is a hash that fits into a key, and into the name of an attribute. It keeps
// an address out of a reader's sight, but not from someone who tries all addresses.
func shortHash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:hashLength/2])
}

// Suffixes of attributes behind the principal's hash. No hash ends so: it is hexadecimal.
const (
	guessesSuffix = "g"
	repeatsSuffix = "r"
)

// place is where a count stands in the item: in attributes whose names end with suffix.
// In the statements of a write, name stands for it.
type place struct{ name, suffix string }

// places are where all the counts of one principal stand.
type places struct{ all, principal, accounts, allGuesses, guesses, repeats place }

func placesOf(principal string) places {
	hash := shortHash(principal)
	return places{
		all:        place{"All", ""},
		principal:  place{"Principal", hash},
		accounts:   place{"Accounts", shortHash("accounts#" + principal)},
		allGuesses: place{"AllGuesses", guessesSuffix},
		guesses:    place{"Guesses", hash + guessesSuffix},
		repeats:    place{"Repeats", hash + repeatsSuffix},
	}
}

// count reads the count that stands there.
func (o object) count(at place) Count {
	return Count{
		N: o.number("n" + at.suffix), Locks: o.number("locks" + at.suffix),
		Since: o.millis("since" + at.suffix), Last: o.millis("last" + at.suffix),
	}
}

// readFailures is what the item of source says about principal. A missing item is nil.
func readFailures(item object, source, principal string) Failures {
	f := Failures{source: source, principal: principal}
	if item == nil {
		return f
	}
	at := placesOf(principal)
	f.All, f.Principal, f.Accounts = item.count(at.all), item.count(at.principal), item.count(at.accounts)
	f.AllGuesses, f.Guesses = f.All, f.Principal
	if _, f.allApart = item["n"+at.allGuesses.suffix]; f.allApart {
		f.AllGuesses = item.count(at.allGuesses)
	}
	if _, f.apart = item["n"+at.guesses.suffix]; f.apart {
		f.Guesses = item.count(at.guesses)
	}
	f.Repeats = item.count(at.repeats)
	f.secrets = item.texts("tags" + at.principal.suffix)
	f.lockedSecrets = item.texts("tags" + at.guesses.suffix)
	f.accounts = item.texts("tags" + at.accounts.suffix)
	f.turn = item.text("turn" + at.principal.suffix)
	if until, _, ok := strings.Cut(f.turn, "#"); ok {
		ms, _ := strconv.ParseInt(until, 10, 64) // TakeTurn wrote it
		f.Turn = time.UnixMilli(ms)
	}
	if salt, ok := item["salt"].(*types.AttributeValueMemberB); ok {
		f.salt = salt.Value
	}
	f.readOthers(item, at)
	return f
}

// readOthers reads the counts of all principals but the one that stands at the places.
func (f *Failures) readOthers(item object, at places) {
	f.Others, f.attributes = map[string]Count{}, map[string][]string{}
	for name := range item {
		hash, ok := strings.CutPrefix(name, "last")
		if ok && len(hash) == hashLength && hash != at.principal.suffix && hash != at.accounts.suffix {
			f.Others[hash] = item.count(place{suffix: hash})
		}
	}
	for name := range item {
		hash := strings.TrimRight(name, guessesSuffix+repeatsSuffix)
		hash = hash[max(len(hash)-hashLength, 0):]
		if _, ok := f.Others[hash]; ok {
			f.attributes[hash] = append(f.attributes[hash], name)
		}
	}
}

// tagBytes is the length of a tag. It is short on purpose. Two wrong secrets are hardly
// ever taken for one, and a reader of the table learns only 24 bits about a wrong secret,
// for the same work on each try as the right secret's hash takes.
const tagBytes = 3

// tag is what a secret, or an account, that failed for the principal is recognized by
// when it comes again. kind is "secret" or "account". The item's salt makes the tag
// another one at each address, and one that no caller can foresee. Otherwise somebody
// could choose secrets with equal tags, and guess without being counted.
func (f Failures) tag(kind, value string) string {
	mac := hmac.New(sha256.New, f.salt)
	mac.Write([]byte(kind + "\x00" + f.principal + "\x00" + value))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:tagBytes])
}

// Remembers says whether a secret is among the last that failed for the principal. work
// is what was done on it, as in Attempt.Secret.
func (f Failures) Remembers(work string) bool {
	return f.salt != nil && slices.Contains(f.secrets, f.tag("secret", work))
}
