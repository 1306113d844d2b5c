package store

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Failures are the failed attempts from one source address: all of them, and those for one principal. They are one item of
// the principals' table, so that a failure is one write. It names the source and the principals by hashes, and its TTL
// removes it.
type Failures struct {
	All, Principal Count
	// AllGuesses and Guesses are those of All and Principal whose secret was wrong: only
	// these keep a right secret out. They are equal to All and Principal, and not stored,
	// until a right secret fails.
	AllGuesses, Guesses Count
	// Accounts counts the accounts that were asked for, for this principal, with secrets
	// that had already failed.
	Accounts Count
	Repeats  Count            // how often one of the secrets that had failed was looked at again
	Turn     time.Time        // until when nobody else's secret is looked at, see TakeTurn
	Others   map[string]Count // those for other principals, by what Failure.Forget names them by

	source, principal          string
	salt                       []byte   // of the tags, one an item; nil where nothing has failed yet
	secrets, accounts, guessed []string // tags of what the last failures were about
	apart, allApart            bool     // Guesses and AllGuesses are stored
	turn                       string
	attributes                 map[string][]string // of the Others
}

// Count is how many attempts failed since a time, when the last of them did, and how many locks they have led to.
type Count struct {
	N, Locks    int64
	Since, Last time.Time
}

// Attempt is what failed. Secret and Account are remembered as tags, see Failures.tag.
type Attempt struct {
	Secret  string // the work that was done on the secret: its hash, slow or not
	Account string // that was asked for, "" where the principal's kind has none
	Right   bool   // the secret is the principal's: what failed is no guess
	Slow    bool   // the work was slow: repeats are counted, too
	Locked  bool   // it was refused because of a lock: a guess counts in Guesses alone
	Closed  bool   // of a locked one: the lock keeps right secrets out, so nothing counts
}

// Change is what a failure does to a count.
type Change struct {
	Anew  bool  // begin a count that is over: with this failure
	Locks int64 // how many locks there are from now on; changed only when it differs from what was read
}

// Failure is what one failed attempt does to the counts that were read.
type Failure struct {
	Now, Expires             time.Time // Expires is when the TTL may remove the item
	All, Principal, Accounts Change
	AllGuesses, Guesses      Change
	Repeats                  Change
	Forget                   []string // other counts that are over, to be taken away
	RememberedSecrets        int      // how many secrets are told from new ones
	RememberedAccounts       int
	Reserved                 Reservation // what the attempt was reserved with, else the zero value
	Before, BeforeGuesses    Count       // the principal's, before it was reserved
	Turn                     string      // what TakeTurn gave, else ""
}

// FailuresPrefix begins the keys of these items: the functions that count may write no others.
const FailuresPrefix = "failures#"

func failuresKey(source string) string { return FailuresPrefix + brief(source) }

// brief is a hash that fits into a key or an attribute's name. It hides an address from a reader of the table, not from
// whoever tries them all.
func brief(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:hashLength/2])
}

// hashLength is that of brief.
const hashLength = 24

// ofAccounts names the count of a principal's accounts, as the principal's key names its own.
func ofAccounts(principal string) string { return "accounts#" + principal }

// The attributes of a count; those of a principal have its hash behind the name. The last
// of them are the tags.
var countAttributes = []string{"n", "since", "last", "locks", "attempt", "tags"}

// lastAttempt is the attribute that names the write which counted last, so that it is not counted again.
const lastAttempt = "attempt"

func readFailures(item object, source, principal string) Failures {
	f := Failures{source: source, principal: principal}
	if item == nil {
		return f
	}
	own, accounts := brief(principal), brief(ofAccounts(principal))
	f.All, f.Principal, f.Accounts = item.count(""), item.count(own), item.count(accounts)
	f.secrets, f.accounts = item.texts("tags"+own), item.texts("tags"+accounts)
	f.readGuesses(item, own)
	f.readRepeats(item, own)
	if salt, ok := item["salt"].(*types.AttributeValueMemberB); ok {
		f.salt = salt.Value
	}
	f.Others, f.attributes = map[string]Count{}, map[string][]string{}
	for name := range item {
		if of, ok := strings.CutPrefix(name, "last"); ok && len(of) == hashLength && of != own && of != accounts {
			f.Others[of] = item.count(of)
		}
	}
	for name := range item {
		of := strings.TrimRight(name, guessesSuffix+repeatsSuffix)
		of = of[max(len(of)-hashLength, 0):]
		if _, ok := f.Others[of]; ok {
			f.attributes[of] = append(f.attributes[of], name)
		}
	}
	return f
}

func (o object) count(of string) Count {
	return Count{N: o.number("n" + of), Since: o.millis("since" + of), Last: o.millis("last" + of), Locks: o.number("locks" + of)}
}

// tagBytes is the length of a tag. It is short on purpose: two wrong secrets are hardly
// ever taken for one, and a reader of the table learns 24 bits about a wrong secret, for
// the same work on each try as the right one's hash takes.
const tagBytes = 3

// tag tells whether a secret, or an account, has failed for the principal before. The
// item's salt makes it another one at each address, and one that no caller can foresee:
// else somebody could choose secrets whose tags are alike, and guess without being counted.
func (f Failures) tag(kind, of string) string {
	mac := hmac.New(sha256.New, f.salt)
	mac.Write([]byte(kind + "\x00" + f.principal + "\x00" + of))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:tagBytes])
}
